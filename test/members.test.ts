/** Archives of many small members: they are staged together, and each row and reject still says which member and line it is of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ARCHIVE_END, archiveMember } from '../src/connectors/rest/archive.ts';
import { makeProject, rowsOf, runProject } from './support/projects.ts';

const tarOf = (members: readonly [name: string, text: string][]): Buffer =>
  Buffer.concat([...members.map(([name, text]) => archiveMember(name, Buffer.from(text), 0)), ARCHIVE_END]);

const source = (datasets: string) => `connector: {type: folder, path: inbox}\ndatasets:\n${datasets}`;

/** Member `m` has the ids `m * 10 + line`. */
const nameOf = (m: number) => `${String(m).padStart(3, '0')}.ndjson`;
const linesOf = (m: number, lines = 3): string[] =>
  Array.from({ length: lines }, (_, i) => JSON.stringify({ id: m * 10 + i + 1, text: `m${m}` }));

test('rows, rejects and the books of 100 members are those of each member by itself', async (t) => {
  const members = Array.from({ length: 100 }, (_, m) => linesOf(m));
  members[10]![1] = '{"id":"x","text":"no number"}';
  members[70]![0] = '{"id":';
  members[71] = [];
  members[95]![2] = '{"id":1,"text":"as in the first member"}';
  // Too large to be staged with others.
  members[80]![1] = JSON.stringify({ id: 802, text: 'long'.repeat(300_000) });
  const dir = await makeProject(t, {
    'sources/shop.yaml': source(`  things:
    files: "*.tar"
    unpack: [tar]
    format: ndjson
    columns: {id: bigint, text: text}
    rules: [{unique: id}]
`),
    'inbox/a.tar': tarOf(members.map((lines, m) => [nameOf(m), `${lines.join('\n')}\n`])),
  });
  const { doc } = await runProject(dir, async (r) => {
    assert.deepEqual(
      await rowsOf(
        r,
        'SELECT count(*), count(*) FILTER (_member[:3]::INTEGER * 10 + _line = id), count(DISTINCT _member), max(length(text)) FROM things',
      ),
      [[294, 294, 99, 1_200_000]],
    );
    assert.deepEqual(await rowsOf(r, 'SELECT member, line, rule, raw FROM granary.rejects ORDER BY member, line'), [
      ['010.ndjson', 2, 'type(id)', '{"id":"x","text":"no number"}'],
      ['070.ndjson', 1, 'structure', '{"id":'],
      ['095.ndjson', 3, 'unique(id)', '{"id":1,"text":"as in the first member"}'],
    ]);
  });
  assert.deepEqual({ ...doc.totals }, { received: 297, loaded: 294, filtered: 0, deduplicated: 0, rejected: 3 });
});

test('members with other columns, lookups and several rows of one key are read as if they came alone', async (t) => {
  const members = Array.from({ length: 70 }, (_, m): [string, string] => {
    const rows = [1, 2].map((line) => ({ id: m * 10 + line, store: `S${(m + line) % 7}`, day: `2026-11-2${m % 9}` }));
    const heads = [
      ['id', 'store', 'day'],
      ['day', 'id', 'store'],
      ['id', 'store'],
    ][m % 3]! as (keyof (typeof rows)[0])[];
    return [`${m}.csv`, `${heads.join(',')}\n${rows.map((r) => heads.map((h) => r[h]).join(',')).join('\n')}\n`];
  });
  // The last member has an id of the first one twice.
  members.push(['070.csv', 'id,store,day\n1,S0,2026-11-30\n1,S1,2026-11-29\n']);
  const dir = await makeProject(t, {
    'sources/shop.yaml': source(`
  stores: {files: stores.csv, columns: {store: text, city: text}, load: replace}
  sales:
    files: "*.tar"
    unpack: [tar]
    format: csv
    columns: {id: bigint, store: text, day: date}
    lookups: [{table: stores, on: {store: store}, take: {city: city}, missing: reject}]
    deduplicate: {key: id}
    verify: {header: any}
`),
    'inbox/stores.csv': `store,city\n${[0, 1, 2, 3, 4, 5].map((i) => `S${i},City ${i}`).join('\n')}\n`,
    'inbox/a.tar': tarOf(members),
  });
  await runProject(dir, async (r) => {
    assert.deepEqual(
      await rowsOf(
        r,
        `SELECT count(*), count(*) FILTER (split_part(_member, '.', 1)::INTEGER * 10 + _line - 1 = id AND city = 'City ' || store[2:]),
           count(*) FILTER ((day IS NULL) = (split_part(_member, '.', 1)::INTEGER % 3 = 2)) FROM sales WHERE id <> 1`,
      ),
      [[119, 119, 119]],
    );
    assert.deepEqual(await rowsOf(r, 'SELECT store, _member, _line FROM sales WHERE id = 1'), [['S1', '070.csv', 3]]);
    assert.deepEqual(
      await rowsOf(
        r,
        "SELECT count(*), count(*) FILTER (raw LIKE '%S6%' AND rule = 'lookup(stores)' AND split_part(member, '.', 1)::INTEGER < 70) FROM granary.rejects",
      ),
      [[20, 20]],
    );
  });
});

test('an expression that fails for a row of one member fails as it does for a file alone, and nothing is loaded', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source(`  things:
    files: "*.tar"
    unpack: [tar]
    format: ndjson
    columns: {id: bigint, text: text}
    computed: {number: "CASE WHEN id = 52 THEN text::INTEGER ELSE 1 END"}
`),
    'inbox/a.tar': tarOf([3, 4, 5].map((m) => [nameOf(m), linesOf(m).join('\n')])),
  });
  const { doc } = await runProject(dir);
  assert.equal(doc.status, 'failed');
  assert.match(JSON.stringify(doc.errors), /curate\.failed.*Could not convert string 'm5' to INT32/);
  assert.equal(doc.totals.loaded, 0);
});

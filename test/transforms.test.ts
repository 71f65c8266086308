/** Code of a project's own that rows go through: what it changes, filters, refuses or breaks on, and that the books know of every row. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { BOOKS } from '../src/model/books.ts';
import { transformTemplate } from '../src/project/transform-template.ts';
import type { Runtime } from '../src/runtime/runtime.ts';
import { sampleProject, shell } from './cli.ts';
import { REGISTER, tool } from './support/own-connectors.ts';
import { makeProject, rowsOf, runProject } from './support/projects.ts';

const test = (name: string, run: (t: TestContext) => Promise<void>) => it(name, { timeout: 240_000 }, run);

const transform = (row: string, more = '') =>
  `import { defineTransform, reject, s } from 'granary/transform';\nexport default defineTransform({\n  title: 'Fix', ${more}\n  row(row, info) {\n${row}\n  },\n});\n`;
const SALES = (rest = '', columns = '{id: bigint, store: text, qty: integer, amount: "decimal(10,2)"}') =>
  `connector: {type: folder, path: inbox}\ndatasets:\n  sales:\n    files: "sales_{date:yyyyMMdd}.csv"\n    columns: ${columns}\n    transform: fix\n${rest}`;
const HEAD = 'id,store,qty,amount\n';

async function books(runtime: Runtime): Promise<Record<string, unknown>> {
  for await (const { received, loaded, filtered, rejected, byRule } of runtime.context.state.query(BOOKS, {
    index: 'active',
    equals: [1],
  }))
    return {
      received,
      loaded,
      filtered,
      rejected,
      byRule: Object.fromEntries(Object.entries(byRule).map(([k, v]) => [k, v.rows])),
    };
  return {};
}

test('the template works as it is: it is listed, its test passes, and a dataset uses it', async (t) => {
  const sh = await sampleProject(t);
  const added = await sh.granary('add', 'transform', 'tidy');
  assert.equal(added.code, 0, added.stderr);
  assert.match((await sh.granary('list', 'transforms')).stdout, /^tidy {2}Takes blanks.*\n {2}empty /m);
  const contract = await tool(process.execPath, ['--import', REGISTER, '--test', 'transforms/tidy.test.ts'], sh.dir);
  assert.equal(contract.code, 0, contract.text);
  const yaml = (settings: string) =>
    `connector: {type: folder, path: in}\ndatasets:\n  notes: {files: "*.csv", ready: now, columns: {id: bigint, text: text}, transform: ${settings}}\n`;
  await sh.file('sources/desk.yaml', yaml('tidy'));
  await sh.file('in/a.csv', 'id,text\n1,  Milk \n2,\n,\n3,Gr�n\n');
  const run = await sh.granary('run', '--source', 'desk');
  assert.match(run.stdout, /desk\.notes +1 +4 +2 +1 +0 +1 +balanced/, run.stderr);
  const query = await sh.granary('query', 'SELECT id, text, tidied FROM notes ORDER BY id', '--json');
  assert.deepEqual(JSON.parse(query.stdout), [
    { id: 1, text: 'Milk', tidied: 1 },
    { id: 2, text: null, tidied: 0 },
  ]);
  assert.equal((await sh.granary('add', 'transform', 'tidy')).code, 2, 'nothing is overwritten');
  await sh.file('sources/desk.yaml', yaml('{type: tidy, emtpy: keep}'));
  const check = await sh.granary('check');
  assert.equal(check.code, 2);
  assert.match(check.stderr, /sources\/desk\.yaml:3:\d+ .*"emtpy" is not known here.*empty/);
  assert.match((await sh.granary('schema')).stdout, /"const": "tidy"/);
});

test('rows are changed, filtered, refused by answer, by throwing, and by what it throws: the books know each, with its line', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': SALES(),
    'transforms/fix.ts': transform(
      `    if (row.store === 'TEST') return null;
    if (row.store === 'A') return reject('A is closed');
    if (row.store === 'B') throw reject('B is closed');
    if (row.store === 'C') return { store: (row as any).nowhere.trim() };
    if (row.store === 'D') return { qty: 'many' };
    if (row.store === 'E') return { qty: Number.NaN };
    if (row.store === 'F') return { store: { name: 'F' } };
    if (row.store === 'G') return { amount: '1.005' };
    if (row.qty === 7) row.qty = 8;
    return { ...row, store: row.store && row.store.toLowerCase(), region: row.store === 'H' ? 'north' : null, amount: row.store === 'I' ? null : row.amount };`,
      "columns: { region: 'text' },",
    ),
    'inbox/sales_20261119.csv': `${HEAD}${['TEST', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', '', '"x\ny"'].map((s, i) => `${i},${s},${i === 11 ? 7 : 1},0.10\n`).join('')}12,H,bad,0.10\n`,
  });
  await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT id, store, qty, amount::VARCHAR, region, _line FROM sales ORDER BY id'), [
      [8, 'h', 1, '0.10', 'north', 10],
      [9, 'i', 1, null, null, 11],
      [10, null, 1, '0.10', null, 12],
      [11, 'x\ny', 8, '0.10', null, 13],
    ]);
    assert.deepEqual(await books(r), {
      received: 13,
      loaded: 4,
      filtered: 1,
      rejected: 8,
      byRule: { 'transform(fix)': 8, 'type(qty)': 1 },
    });
    assert.deepEqual(await rowsOf(r, 'SELECT line, rule, reason, raw FROM granary.rejects ORDER BY line'), [
      [3, 'transform(fix)', 'A is closed', '1,A,1,0.10'],
      [4, 'transform(fix)', 'B is closed', '2,B,1,0.10'],
      [5, 'transform(fix)', "transforms/fix.ts:8: Cannot read properties of undefined (reading 'trim')", '3,C,1,0.10'],
      [6, 'transform(fix)', 'qty: the transform gave "many", expected integer', '4,D,1,0.10'],
      [7, 'transform(fix)', 'qty: the transform gave NaN, expected integer', '5,E,1,0.10'],
      [8, 'transform(fix)', 'store: the transform gave a mapping, expected text', '6,F,1,0.10'],
      [9, 'transform(fix)', 'amount: the transform gave "1.005", expected decimal(10,2)', '7,G,1,0.10'],
      [15, 'type(qty)', 'expected integer, found "bad"', '12,H,bad,0.10'],
    ]);
  });
});

const TYPES = `{id: integer, b: bigint, d: "decimal(38,10)", f: double, o: boolean, day: date, at: time, ts: timestamp, tz: timestamp_tz, u: uuid, j: json, t: text}`;
const VALUES = [
  '1,9223372036854775807,1234567890123456789012345678.0123456789,0.1,true,2026-11-19,08:00:00.25,2026-11-19 08:00:00.123456,2026-11-19 08:00:00+02:00,2d1b0b1e-5f6c-4f1c-9a53-0d2f6a1c1b11,"{""a"": [1, 2.50]}","ä ""q"" 🌾"',
  '2,-9223372036854775808,-0.0000000001,-1e300,false,0044-03-15,23:59:59,1969-12-31 23:59:59,1969-12-31 23:59:59.5-05:00,,null, ',
  '3,,,inf,,,,,,,,',
];

test('every type reaches the code as it is said, and comes back as it was', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': SALES('', TYPES),
    'transforms/fix.ts': transform(
      `    return { ...row, seen: JSON.stringify(Object.values(row).map((v) => (typeof v === 'bigint' ? \`\${v}n\` : v === Infinity ? 'Infinity' : v))) };`,
      "columns: { seen: 'text' },",
    ),
    'inbox/sales_20261119.csv': `id,b,d,f,o,day,at,ts,tz,u,j,t\n${VALUES.join('\n')}\n`,
  });
  const plain = await makeProject(t, {
    'sources/shop.yaml': SALES('', TYPES).replace('    transform: fix\n', ''),
    'inbox/sales_20261119.csv': `id,b,d,f,o,day,at,ts,tz,u,j,t\n${VALUES.join('\n')}\n`,
  });
  const select = "SELECT COLUMNS(c -> c NOT IN ('seen', '_object', '_member'))::VARCHAR FROM sales ORDER BY id";
  const expected: unknown[][] = [];
  await runProject(plain, async (r) => void expected.push(...(await rowsOf(r, select))));
  await runProject(dir, async (r) => {
    assert.equal(expected.length, 3);
    assert.deepEqual(await rowsOf(r, select), expected);
    assert.deepEqual(
      (await rowsOf(r, 'SELECT seen FROM sales ORDER BY id')).map(([seen]) => JSON.parse(seen as string)),
      [
        [
          ...[1, '9223372036854775807n', '1234567890123456789012345678.0123456789', 0.1, true, '2026-11-19'],
          ...['08:00:00.25', '2026-11-19T08:00:00.123456', '2026-11-19T06:00:00Z'],
          ...['2d1b0b1e-5f6c-4f1c-9a53-0d2f6a1c1b11', '{"a": [1, 2.50]}', 'ä "q" 🌾'],
        ],
        [
          ...[2, '-9223372036854775808n', '-0.0000000001', -1e300, false, '0044-03-15'],
          ...['23:59:59', '1969-12-31T23:59:59', '1970-01-01T04:59:59.5Z', null, 'null', ' '],
        ],
        [3, null, null, 'Infinity', null, null, null, null, null, null, null, null],
      ],
    );
  });
});

test('values of JavaScript become those of the column: dates, lists, numbers for decimals', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': SALES('', TYPES),
    'transforms/fix.ts': transform(
      `    const at = new Date('2026-11-19T08:09:10.011Z');
    return { b: 5, d: 0.1 + 0.2, f: '2.5', o: 'true', day: at, at, ts: at, tz: at, j: { a: [1, null] }, t: 7n, x: 1e-7, y: 12.345, nothing: undefined };`,
      "columns: { x: 'double', y: 'decimal(5,2)', nothing: 'text' },",
    ),
    'inbox/sales_20261119.csv': 'id,b,d,f,o,day,at,ts,tz,u,j,t\n1,,,,,,,,,,,\n',
  });
  await runProject(dir, async (r) =>
    assert.deepEqual(await rowsOf(r, "SELECT COLUMNS(c -> c[1] <> '_' AND c NOT IN ('id', 'u'))::VARCHAR FROM sales"), [
      [
        ...['5', '0.3000000000', '2.5', 'true', '2026-11-19', '08:09:10.011', '2026-11-19 08:09:10.011'],
        ...['2026-11-19 08:09:10.011+00', '{"a":[1,null]}', '7', '1e-07', '12.35', null],
      ],
    ]),
  );
});

test('lookups, computed columns, keep and rules see what it gives; what it refuses is judged by nothing else', async (t) => {
  const dir = await makeProject(t, {
    'sources/stores.yaml':
      'connector: {type: folder, path: inbox}\ndatasets: {stores: {files: stores.csv, columns: {code: text, city: text}, load: replace}}\n',
    'sources/shop.yaml': SALES(
      `    lookups: [{table: stores, on: {store: code}, take: {city: city}}]\n    computed: {total: qty * amount}\n    keep: "region <> 'west'"\n    rules: [{range: {column: total, max: 10}}, {required: region}]\n`,
    ),
    'transforms/fix.ts': transform(
      `    if (row.qty === 0) return reject('nothing sold');
    return { store: (row.store as string).toUpperCase(), region: row.store === 'w' ? 'west' : 'east', qty: (row.qty as number) * 2 };`,
      "columns: { region: 'text' },",
    ),
    'inbox/stores.csv': 'code,city\nA,Köln\n',
    'inbox/sales_20261119.csv': `${HEAD}1,a,1,1.50\n2,w,1,1.00\n3,a,4,2.00\n4,b,0,1.00\n`,
  });
  await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT id, store, city, total::VARCHAR, region FROM sales'), [
      [1, 'A', 'Köln', '3.00', 'east'],
    ]);
    assert.deepEqual(
      await rowsOf(r, "SELECT line, rule FROM granary.rejects WHERE dataset LIKE '%sales' ORDER BY ALL"),
      [
        [4, 'range(total)'],
        [5, 'transform(fix)'],
      ],
    );
  });
});

test('where columns are masked, neither what it throws nor a wrong value is told', async (t) => {
  const dir = await makeProject(t, {
    'granary.yaml': 'name: test\nmask_key: k\nworkers: {memory: 300 MB}\nwarehouse: {memory: 500 MB}\n',
    'sources/shop.yaml': SALES('    mask: {store: hash, qty: redact}\n'),
    'transforms/fix.ts': transform(
      `    if (row.id === 1n) throw new Error(\`bad \${row.store}\`);
    return { qty: row.store };`,
    ),
    'inbox/sales_20261119.csv': `${HEAD}1,Meier,1,1.50\n2,Schulz,1,1.00\n`,
  });
  await runProject(dir, async (r) =>
    assert.deepEqual(await rowsOf(r, 'SELECT line, reason, raw FROM granary.rejects ORDER BY line'), [
      [2, 'transforms/fix.ts:5: the transform failed (the dataset has masked columns)', null],
      [3, 'qty: the transform gave (masked), expected integer', null],
    ]),
  );
});

test('a row that says that its key is deleted goes through it too, and is deleted whatever it says', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': SALES(
      '    load: {strategy: merge, key: id, deleted: gone}\n',
      '{id: text, qty: integer, gone: boolean}',
    ),
    'transforms/fix.ts': transform(
      `    if (row.qty === null) return row.id === ' c' ? null : { id: (row.id as string).trim() };
    return { id: (row.id as string).trim() };`,
    ),
    'inbox/sales_20261119.csv': 'id,qty,gone\n a,1,false\n b,1,false\nc,1,false\n',
    'inbox/sales_20261120.csv': 'id,qty,gone\n b ,,true\n',
  });
  await runProject(dir, async (r) =>
    assert.deepEqual(await rowsOf(r, 'SELECT id FROM sales ORDER BY id'), [['a'], ['c']]),
  );
});

test('changed code gives other rows at a replay, also where only what it imports has changed; the same code does not', async (t) => {
  const sh = await shell(t);
  await sh.file('granary.yaml', 'name: test\n');
  await sh.file('sources/shop.yaml', SALES().replace('.csv"', '.csv"\n    ready: now'));
  await sh.file('inbox/sales_20261119.csv', `${HEAD}1,a,1,1.50\n`);
  await sh.file('transforms/_factor.ts', 'export const factor: number = 2;\n');
  await sh.file(
    'transforms/fix.ts',
    `import { factor } from './_factor.ts';\n${transform('    return { qty: (row.qty as number) * factor };')}`,
  );
  const qty = async () => (await sh.granary('query', 'SELECT qty FROM sales', '--json')).stdout;
  const run = await sh.granary('run');
  assert.equal(run.code, 0, run.stdout + run.stderr);
  assert.match(await qty(), /"qty": ?2\b/);
  assert.match((await sh.granary('replay', '--dataset', 'shop.sales')).stdout, /loaded before/);
  await sh.file('transforms/_factor.ts', 'export const factor: number = 3;\n');
  const again = await sh.granary('replay', '--dataset', 'shop.sales');
  assert.doesNotMatch(again.stdout, /loaded before/);
  assert.match(await qty(), /"qty": ?3\b/);
});

test('code that is wrong whatever the row is fails its object alone, loses nothing, and is gone on with once it is right', async (t) => {
  const sh = await shell(t);
  await sh.file('granary.yaml', 'name: test\n');
  await sh.file(
    'sources/shop.yaml',
    `${SALES()}    ready: now\n  notes: {files: "notes.csv", ready: now, columns: {id: bigint}}\n`,
  );
  await sh.file('inbox/sales_20261119.csv', `${HEAD}1,a,1,1.50\n`);
  await sh.file('inbox/notes.csv', 'id\n1\n');
  for (const [row, told] of [
    ['    return { sotre: 1 };', /gave a column "sotre" that the dataset does not have\. Did you mean "store"\?/],
    ['    row.qty = 1;', /row\(\) of transforms\/fix\.ts gave nothing/],
    ['    return Promise.resolve(row) as never;', /row\(\) of transforms\/fix\.ts gave a promise/],
  ] as const) {
    await sh.file('transforms/fix.ts', transform(row));
    const { code, stdout, stderr } = await sh.granary('run');
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, told);
    assert.match(stdout + stderr, /transform\.failed/);
  }
  const other = await sh.granary('query', 'SELECT count(*) AS n FROM notes', '--json');
  assert.match(other.stdout, /"n": ?1\b/);
  await sh.file('transforms/fix.ts', transform('    return { qty: 2 };'));
  const letters = await sh.granary('dlq', 'list', '--json');
  const after = JSON.parse(letters.stdout).length > 0 ? ['dlq', 'replay', '--all'] : ['run'];
  const repaired = await sh.granary(...after);
  assert.equal(repaired.code, 0, repaired.stdout + repaired.stderr);
  const rows = await sh.granary('query', 'SELECT qty FROM sales', '--json');
  assert.match(rows.stdout, /"qty": ?2\b/);
});

test('what is wrong with transforms of a project is told at once, with file, line and column', async (t) => {
  const sh = await sampleProject(t);
  await sh.file('sources/shop.yaml', SALES());
  const none = await sh.granary('check');
  assert.match(none.stderr, /sources\/shop\.yaml:6:16 .*no transforms yet.*granary add transform/);
  await sh.file('transforms/fxi.ts', transform('    return {};'));
  assert.match(
    (await sh.granary('check')).stderr,
    /sources\/shop\.yaml:6:16 .*one of fxi, found "fix".*Did you mean "fxi"/,
  );
  await sh.file(
    'transforms/fix.ts',
    transform('    return {};', "columns: { qty: 'integer', total: 'decimal(9,2)' },"),
  );
  await sh.file(
    'sources/shop.yaml',
    SALES('    computed: {total: qty}\n    rules: [{range: {column: totl, min: 0}}]\n'),
  );
  const clash = (await sh.granary('check')).stderr;
  assert.match(clash, /shop\.yaml:6:\d+ .*fix adds the column "qty", which is in the contract already/);
  assert.match(clash, /shop\.yaml:6:\d+ .*fix adds the column "total", which is in "computed" already/);
  assert.match(clash, /no column "totl".*Did you mean "total"/);
  await sh.file('transforms/fix.ts', 'const a = 1;\nlet b: number = ;\n');
  await sh.file('transforms/late.ts', transform('    return {};').replace('row(row', 'async row(row'));
  await sh.file('transforms/bare.ts', 'export default {};\n');
  await sh.file('transforms/odd.ts', transform('    return {};', "columns: { x: 'string of text' },"));
  await sh.file('transforms/_helper.ts', 'this is not looked at');
  const { code, stderr } = await sh.granary('check');
  assert.equal(code, 2);
  assert.match(stderr, /transforms\/fix\.ts:2:\d+ .*Expression expected/);
  assert.match(stderr, /transforms\/late\.ts:1:1 .*its "row" is async/);
  assert.match(stderr, /transforms\/bare\.ts:1:1 .*lacks title, row/);
  assert.match(stderr, /transforms\/odd\.ts:1:1 .*its column "x" has no type of a column: string of text/);
  assert.match(stderr, /4 problems/);
});

test('many rows with text of every kind: each is where a model of the transform says', async (t) => {
  const texts = ['', ' ', 'a"b', 'ü'.repeat(4000), '🌾\\n', 'x\ty', "it's", '\u2028', 'null', '\\u0000'];
  const lines = Array.from({ length: 40_000 }, (_, i) => ({
    id: i,
    text: `${texts[i % texts.length]}${i % 7 === 0 ? i : ''}`,
  }));
  const dir = await makeProject(t, {
    'sources/shop.yaml':
      'connector: {type: folder, path: inbox}\ndatasets: {notes: {files: "*.ndjson", columns: {id: integer, text: text}, transform: fix}}\n',
    'transforms/fix.ts': transform(
      `    const id = row.id as number;
    if (id % 5 === 0) return null;
    if (id % 11 === 0) return reject(\`eleven: \${row.text}\`);
    if (id % 3 === 0) return {};
    return { text: \`\${row.text}|\${id}\` };`,
    ),
    'inbox/a.ndjson': lines.map((l) => `${JSON.stringify(l)}\n`).join(''),
  });
  const kept = lines.filter(({ id }) => id % 5 !== 0 && id % 11 !== 0);
  await runProject(dir, async (r) => {
    const found = await rowsOf(r, 'SELECT id, text, _line FROM notes ORDER BY id');
    const expected = kept.map(({ id, text }) => [id, id % 3 === 0 ? text : `${text}|${id}`, id + 1]);
    assert.ok(JSON.stringify(found) === JSON.stringify(expected), 'the table is not as the model');
    const rejected = lines.filter(({ id }) => id % 5 !== 0 && id % 11 === 0);
    const reasons = await rowsOf(r, 'SELECT line, reason FROM granary.rejects ORDER BY line');
    const why = rejected.map(({ id, text }) => [id + 1, `eleven: ${text}`.slice(0, 1000)]);
    assert.ok(JSON.stringify(reasons) === JSON.stringify(why), 'the rejects are not as the model');
  });
});

test('the contract finds what is wrong with a transform', async (t) => {
  const [file, testFile] = Object.keys(transformTemplate('tidy'));
  const template = transformTemplate('tidy');
  for (const [from, to, told] of [
    [
      'const text = value.trim();',
      'const text = (row as any).nowhere.trim();',
      /answers for every row[\s\S]*rows\[0\]/,
    ],
    ['return { ...changes, tidied };', "return { ...changes, tidied: 'x' };", /rows\[0\]/],
    ['let tidied = 0;', 'let tidied = counter++;', /answers the same whatever came before/],
    ['return { ...changes, tidied };', 'return { ...changes, tided: 1 };', /gave a column "tided"/],
  ] as const) {
    assert.ok(template[file!]!.includes(from), from);
    const dir = await makeProject(t, {
      [file!]: `let counter = 0;\n${template[file!]!.replace(from, to)}`,
      [testFile!]: template[testFile!]!,
    });
    const { code, text } = await tool(process.execPath, ['--import', REGISTER, '--test', join(dir, testFile!)], dir);
    assert.notEqual(code, 0);
    assert.match(text, told);
  }
});

/** The example of a retailer: two databases, tills and a CRM in one repository, with answers that are counted twice. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { serversMissing, tell } from '../examples/retailer/story.ts';
import { shell } from './cli.ts';

const PROJECT = join(import.meta.dirname, '../examples/retailer');

test('the project is without problems when its secrets are there, and says which are not', async (t) => {
  const sh = await shell(t);
  const names = ['SHOP_DB_PASSWORD', 'WAREHOUSE_DB_PASSWORD', 'POS_PASSWORD', 'CRM_TOKEN', 'MASK_KEY'];
  const env = Object.fromEntries(names.map((name) => [name, 'any']));
  for (const more of [[], ['--env', 'try']]) {
    const { code, stdout, stderr } = await sh.granaryWith({ env }, 'check', '-C', PROJECT, ...more);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /retailer: 4 sources, 10 datasets, no problems/);
  }
  const without = await sh.granary('check', '-C', PROJECT);
  assert.equal(without.code, 2);
  for (const name of names) assert.match(without.stdout + without.stderr, new RegExp(name));
});

test('four systems are one repository, and stay it when all of them change', {
  skip: serversMissing(),
  timeout: 900_000,
}, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'granary-retailer-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const { chapters, crm, ask } = await tell(dir, () => undefined);

  for (const { title, answers } of chapters)
    for (const { question, expected, found } of answers) {
      assert.ok(found.length > 0, question.title);
      assert.deepEqual(found, expected, `${title}: ${question.title}`);
    }
  const [first, second, third] = chapters.map(({ said }) => said);
  assert.match(first!, /1 +lookup\(products\) +pos\.lines +rejected/);
  assert.match(
    second!,
    /In quarantine: 1\n.*pos_S3_\d+\.xml.*\n +format\.invalid .*line \d+, column \d+: the document ends/,
  );
  assert.match(second!, /pos_S1_\d+\.xml: version 2 takes the place of version 1/);
  assert.match(third!, /pos_S3_\d+\.xml: version 2 takes the place of version 1/);
  assert.equal(crm.get(429), 1, 'a page was refused');
  assert.equal(crm.get(401), undefined);

  const rows = async (sql: string) => (await ask('query', sql, '--format', 'csv')).trimEnd().split('\n').slice(1);
  const books = `SELECT dataset, bool_and(balanced), sum(received) = sum(loaded) + sum(filtered) + sum(deduplicated) + sum(rejected), sum(rejected)
    FROM granary.books GROUP BY dataset HAVING NOT bool_and(balanced) OR sum(rejected) > 0 ORDER BY dataset`;
  assert.deepEqual(await rows(books), ['pos.lines,true,true,1']);
  const people = `SELECT count(*) FILTER (email LIKE '%@%'), count(*) FILTER (length(name) > 1), count(*) FILTER (card LIKE 'C%' AND length(card) = 9),
    (SELECT count(*) FROM orders WHERE email LIKE '%@%'), (SELECT count(*) FROM orders WHERE customer_id IS NOT NULL AND segment_when_loaded IS NULL)
    FROM contacts`;
  assert.deepEqual(await rows(people), ['0,0,0,0,0']);
});

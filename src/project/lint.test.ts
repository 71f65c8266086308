import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { lineOf, load, problemLines, salesSource } from './testing.ts';

const KEY = { 'granary.yaml': 'name: t\nmask_key: ${env:KEY}\n' };
const env = { KEY: 'a long enough key' };

/** Problems of the sales dataset with the given lines; positions count from the first of them. */
async function errors(t: TestContext, lines: string): Promise<string[]> {
  const found = await problemLines(t, { ...KEY, 'sources/s.yaml': salesSource(lines) }, { env });
  return found.map(fromFirstLine);
}

async function warnings(t: TestContext, lines: string): Promise<string[]> {
  const loaded = await load(t, { ...KEY, 'sources/s.yaml': salesSource(lines) }, { env });
  return loaded.warnings.map(lineOf).map(fromFirstLine);
}

const HEAD_LINES = salesSource('').split('\n').length - 1;
const fromFirstLine = (text: string) =>
  text.replace(/^sources\/s.yaml:(\d+):/, (_, line) => `${Number(line) - HEAD_LINES}:`);

test('a dataset that uses its columns rightly has no findings', async (t) => {
  const found = await warnings(
    t,
    `computed: { net: amount * 0.8 }
lookups: [{ table: sales, on: { sale_id: sale_id }, take: { region: store } }]
keep: net > 0
drop: amount
deduplicate: { key: sale_id, latest_by: sold_on }
rules:
  - required: [sale_id, amount]
  - range: { column: amount, min: 0 }
  - pattern: { column: region, regex: "(?i)[a-z]+(?P<n>[0-9])" }
mask: { region: hash }
load: { strategy: snapshot, key: [sale_id, region], version: sold_on, deletes: true }
partition_by: ["strftime(sold_on, '%Y')", store]
sort_by: [store, net]
verify: { trailer: { pattern: "^T;(?<rows>[0-9]+);(?<sum_amount>[0-9.]+)$" } }
`,
  );
  assert.deepEqual(found, []);
});

test('a name that is no column is an error wherever a dataset names columns', async (t) => {
  const lines = `lookups: [{ table: sales, on: { sal_id: a }, take: { x: b } }]
drop: amoun
deduplicate: { key: [sale_i], latest_by: sold }
rules:
  - required: [sale_id, stor]
  - unique: sold_no
  - range: { column: amout, min: 1 }
  - exists: { columns: [zzz], table: sales }
mask: { eml: redact }
load: { strategy: merge, key: sale_ids, version: revision }
partition_by: sold_onn
sort_by: [stores]
`;
  const no = (name: string, near?: string) => `there is no column "${name}" in this dataset${near ? ` → ${near}` : ''}`;
  assert.deepEqual(await errors(t, lines), [
    `1:37 ${no('sal_id', 'sale_id')}`,
    `2:11 ${no('amoun', 'amount')}`,
    `3:26 ${no('sale_i', 'sale_id')}`,
    `3:46 ${no('sold')}`,
    `5:29 ${no('stor', 'store')}`,
    `6:17 ${no('sold_no', 'sold_on')}`,
    `7:26 ${no('amout', 'amount')}`,
    `8:29 ${no('zzz')}`,
    `9:13 ${no('eml')}`,
    `10:35 ${no('sale_ids', 'sale_id')}`,
    `10:54 ${no('revision')}`,
    `11:19 ${no('sold_onn', 'sold_on')}`,
    `12:15 ${no('stores', 'store')}`,
  ]);
});

test('a dropped column cannot be a key or an order of the table', async (t) => {
  const dropped = (c: string) => `column "${c}" is dropped, so the table does not have it`;
  assert.deepEqual(
    await errors(t, 'drop: [sale_id, store]\nload: { strategy: merge, key: sale_id }\nsort_by: store\n'),
    [`2:35 ${dropped('sale_id')}`, `3:14 ${dropped('store')}`],
  );
  assert.deepEqual(await errors(t, 'drop: [sale_id, store, amount, sold_on]\n'), ['-4:5 no column is left to store']);
});

test('each load strategy must have what it needs, and what it does not use is a warning', async (t) => {
  assert.deepEqual(await errors(t, 'load: { strategy: merge }\n'), [
    '1:11 "merge" needs a key: the columns that identify a row',
  ]);
  assert.deepEqual(await errors(t, 'load:\n  strategy: snapshot\n  key: []\n'), [
    '2:7 "snapshot" needs a key: the columns that identify a row',
  ]);
  assert.deepEqual(await errors(t, 'load: { strategy: replace_partition }\n'), [
    '1:11 "replace_partition" needs a partition: the columns whose values make one',
  ]);
  assert.deepEqual(await warnings(t, 'load: { key: sale_id, deletes: true }\n'), [
    '1:13 "key" does nothing with strategy "append"',
    '1:27 "deletes" does nothing with strategy "append"',
  ]);
});

test('a column from the file name must name a part of it', async (t) => {
  const source = (part: string) => ({
    'sources/s.yaml': salesSource('').replace('from_name: store', `from_name: ${part}`),
  });
  assert.deepEqual(await problemLines(t, source('stroe')), [
    'sources/s.yaml:7:27 "stroe" is not a part of "sales_{store}_{date:yyyyMMdd}.csv"; its parts: store, date → store',
  ]);
  assert.deepEqual((await load(t, source('date'))).warnings, []);
});

test('settings of a column that its type cannot use are errors', async (t) => {
  const columns = `connector: { type: folder, path: x }
datasets:
  d:
    files: d.csv
    columns:
      a: { type: text, format: "%Y", decimal: "," }
      b: { type: integer, true_values: [1], thousands: "." }
      c: { type: text, from: X, from_name: y }
      d: { type: text, required: true, default: z }
`;
  assert.deepEqual(await problemLines(t, { 'sources/s.yaml': columns }), [
    'sources/s.yaml:6:24 "format" is for dates and times; this column is text',
    'sources/s.yaml:6:38 "decimal" is for numbers; this column is text',
    'sources/s.yaml:7:27 "true_values" is for booleans; this column is integer',
    'sources/s.yaml:7:56 "." is the decimal sign already',
    'sources/s.yaml:8:24 a column is taken "from" the file or "from_name", not both',
    'sources/s.yaml:8:44 "y" is not a part of "d.csv"; it has none',
  ]);
});

test('totals in control files and trailers must be ones there are', async (t) => {
  assert.deepEqual(
    await errors(
      t,
      `verify:
  control_file: { file: "{nam}.ctl", pattern: "rows=(?<row>[0-9]+" }
  trailer: { pattern: "(?<rows>.)(?<sum_amout>.)(?<sum_store>.)(?<total>.)" }
`,
    ),
    [
      '2:29 "{nam}" is not known here: {name} is the file’s name, {stem} that up to its first dot → {name}.ctl',
      '2:51 the regular expression is wrong: /rows=(?<row>[0-9]+|/: Unterminated group',
      '3:27 "sum_amout": there is no column "amout" in this dataset → sum_amount',
      '3:27 "sum_store": column "store" is text and has no sum',
      '3:27 group "total" is not a total: rows, bytes, sha256, md5 or sum_<column>',
    ],
  );
  assert.deepEqual(await warnings(t, 'verify: { control_file: { file: "{name}.ctl", pattern: "[0-9]+" } }\n'), [
    '1:60 no named group, so no total is declared',
  ]);
});

test('a pattern of a rule must be one that RE2 takes', async (t) => {
  const rule = (regex: string) => errors(t, `rules: [{ pattern: { column: store, regex: '${regex}' } }]\n`);
  assert.deepEqual(await rule('a(?=b)'), ['1:48 RE2 expressions have no look-ahead and look-behind']);
  assert.deepEqual(await rule('(a)\\1'), ['1:48 RE2 expressions have no back-references']);
  assert.deepEqual(await rule('a(b'), ['1:48 the regular expression is wrong: /a(b/: Unterminated group']);
});

test('rules whose bounds make no sense, and names used twice, are errors', async (t) => {
  const lines = `rules:
  - { range: { column: amount } }
  - { range: { column: amount, min: 5, max: 1 }, name: a }
  - { exists: { columns: [store], table: sales, key: [a, b] }, name: a }
`;
  assert.deepEqual(await errors(t, lines), [
    '2:11 a range has "min" or "max" or both',
    '3:41 5 is more than the "max" of 1: no row could pass',
    '4:58 1 columns are compared with 2 of the table',
    '4:74 another rule is called "a"; the books tell rules apart by name',
  ]);
});

test('new columns must have new names', async (t) => {
  const lines = `computed: { store: upper(store) }
lookups:
  - { table: sales, on: { later: a }, take: { amount: b, _line: c } }
  - { table: sales, on: { store: a }, take: { later: b } }
`;
  assert.deepEqual(await errors(t, lines), [
    '1:17 "store" is already a column of the contract',
    '3:31 column "later" is only taken by this or a later lookup',
    '3:51 there is a column "amount" already',
    '3:62 "_line" is not a name: lower-case letters, digits and _, starting with a letter',
  ]);
  assert.deepEqual(await errors(t, 'computed: { _object: "1" }\n'), [
    '1:17 "_object" is not a name: lower-case letters, digits and _, starting with a letter',
  ]);
});

test('masks need the mask key, and must not spoil the key of the load', async (t) => {
  const lines = 'mask: { store: hash, sale_id: redact }\nload: { strategy: merge, key: [sale_id, store] }\n';
  const withoutKey = await problemLines(t, { 'sources/s.yaml': salesSource(lines) });
  assert.deepEqual(withoutKey.map(fromFirstLine), ['1:20 "hash" needs a key']);
  assert.deepEqual(await warnings(t, lines), [
    '2:36 column "sale_id" is masked by "redact", so different rows may look the same to the load',
  ]);
});

test('a moved file must not be taken again, nor be its own marker', async (t) => {
  const source = (files: string, lines: string) => ({
    'sources/s.yaml': `connector: { type: folder, path: x }\ndatasets:\n  d:\n    files: "${files}"\n    columns: { a: text }\n    format: csv\n${lines}`,
  });
  assert.deepEqual(await problemLines(t, source('**/*.csv', '    after_landing: move\n')), [
    'sources/s.yaml:7:20 "**/*.csv" matches in "archive" too: files would be taken again after they were moved',
  ]);
  assert.deepEqual((await load(t, source('*.csv', '    after_landing: move\n'))).warnings, []);
  assert.deepEqual(await problemLines(t, source('*.csv', '    ready: { rule: marker, marker: "{name}" }\n')), [
    'sources/s.yaml:7:36 this is the name of the file itself',
  ]);
});

test('parts must belong to a dataset that has files', async (t) => {
  const source = `connector: { type: folder, path: x }
datasets:
  whole: { files: a.csv, columns: { a: text } }
  good: { part_of: whole, columns: { a: text } }
  b: { part_of: wohle, columns: { a: text } }
  c: { part_of: good, files: c.csv, columns: { a: text } }
  d: { part_of: d, unpack: gzip, columns: { a: text } }
`;
  assert.deepEqual(await problemLines(t, { 'sources/s.yaml': source }), [
    'sources/s.yaml:5:17 there is no dataset "wohle" in this source → whole',
    'sources/s.yaml:6:17 "good" is itself a part; name the dataset that has the files',
    'sources/s.yaml:6:23 a dataset with "part_of" has no "files": it reads those of the other',
    'sources/s.yaml:7:17 a dataset cannot be part of itself',
    'sources/s.yaml:7:20 a part is unpacked as "d" is; leave out "unpack"',
  ]);
});

test('datasets that fill one table must have one contract and one way to load', async (t) => {
  const dataset = (name: string, rest: string) => `  ${name}: { files: ${name}.csv, table: t, ${rest} }\n`;
  const source = (...datasets: string[]) => `connector: { type: folder, path: x }\ndatasets:\n${datasets.join('')}`;
  const a = dataset('a', 'columns: { x: text, y: date }');
  const lines = await problemLines(t, {
    'sources/s.yaml': source(a, dataset('b', 'columns: { x: integer, y: date }'), dataset('c', 'columns: { x: text }')),
    'sources/u.yaml': source(
      dataset('d', 'columns: { x: text, z: date }'),
      dataset('e', 'columns: { y: date, x: text }, load: replace'),
    ),
  });
  const fills = 'fills table "t" as s/a does, but with another';
  assert.deepEqual(lines, [
    `sources/s.yaml:4:29 ${fills} contract: column "x" is integer here and text there`,
    `sources/s.yaml:5:29 ${fills} contract: column "y" is missing here`,
    `sources/u.yaml:3:29 ${fills} contract: column "z" is only here`,
    `sources/u.yaml:4:29 ${fills} load strategy or key`,
  ]);
  const { warnings: none } = await load(t, {
    'sources/s.yaml': source(a),
    'sources/u.yaml': source(dataset('b', 'columns: { y: date, x: text }')),
    'sources/v.yaml': `tenant: other\n${source(dataset('c', 'columns: { z: text }'))}`,
  });
  assert.deepEqual(none, []);
});

test('reference tables that nothing fills are a warning with the near name', async (t) => {
  const lines = `lookups: [{ table: slaes, on: { store: a }, take: { x: b } }]
rules: [{ exists: { columns: [store], table: other.stores } }]
`;
  assert.deepEqual(await warnings(t, lines), [
    '1:24 no dataset of tenant "main" fills a table "slaes" → sales',
    '2:50 no dataset of tenant "main" fills a table "other.stores"',
  ]);
  assert.deepEqual(await errors(t, 'lookups: [{ table: "a b", on: { store: a }, take: { x: b } }]\ntable: A-B\n'), [
    '1:24 "a b" is not the name of a table',
    '2:12 "A-B" is not a name: lower-case letters, digits and _, starting with a letter',
  ]);
});

test('two datasets of a source that take the same files are a warning', async (t) => {
  const dataset = (name: string, files: string) => `  ${name}: { files: "${files}", columns: { a: text } }\n`;
  const source = (...datasets: string[]) => ({
    'sources/s.yaml': `connector: { type: folder, path: x }\ndatasets:\n${datasets.join('')}`,
  });
  const { warnings: found } = await load(
    t,
    source(dataset('a', 'sales_*.csv'), dataset('b', '*_{date:yyyyMMdd}.csv'), dataset('c', 'sales_{x}.csv')),
  );
  assert.deepEqual(found.map(lineOf), [
    'sources/s.yaml:5:15 "a" takes some of these files too: "sales_*.csv" matches "sales_x.csv" as well',
  ]);
  const { warnings: none } = await load(t, source(dataset('a', 'sales_*.csv'), dataset('b', 'orders_*.csv')));
  assert.deepEqual(none, []);
});

test('a tenant must be declared once tenants are', async (t) => {
  const source = (tenant: string) => `tenant: ${tenant}\n${salesSource('')}`;
  const declared = { 'granary.yaml': 'name: t\ntenants: { acme: {}, globex: {} }\n' };
  assert.deepEqual(await problemLines(t, { ...declared, 'sources/s.yaml': source('acmee') }), [
    'sources/s.yaml:1:9 there is no tenant "acmee"; declared in granary.yaml: acme, globex → acme',
  ]);
  assert.deepEqual(await problemLines(t, { 'sources/s.yaml': source('granary') }), [
    'sources/s.yaml:1:9 "granary" is the name of a schema of the warehouse itself',
  ]);
  const { project } = await load(t, { 'sources/s.yaml': source('anyone') });
  assert.equal(project.sources.get('s')?.datasets.get('sales')?.table.schema, 'anyone');
});

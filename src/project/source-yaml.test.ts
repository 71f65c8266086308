import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DraftSource, writeSourceYaml } from './source-yaml.ts';
import { load } from './testing.ts';

const column = { type: 'text' as const, nullable: true, unique: false, examples: ['secret value'] };
const draft: DraftSource = {
  name: 'shop',
  description: 'Nightly files: "sales", # and more',
  connector: { type: 'sftp', host: 'h', password: '${secret:SHOP_PASSWORD}' },
  datasets: [
    {
      name: 'sales',
      files: 'sales_{date:yyyyMMdd}.csv.gz',
      format: { type: 'csv', inferred: true, settings: { delimiter: ';' } },
      columns: [
        { ...column, source: 'sale_id', type: 'bigint', nullable: false, unique: true },
        { ...column, source: 'Sold on', type: 'date', nullable: false, format: '%d/%m/%Y' },
        { ...column, source: 'Total: "net", €', type: 'decimal(12,2)', decimal: ',' },
        { ...column, source: 'yes' },
      ],
      rowsSeen: 12345,
      suggestedKeys: [['sale_id'], ['Sold on', 'yes']],
      notes: ['dates of "Sold on" may be day/month\nor month/day'],
    },
    {
      name: 'log',
      files: 'log/*',
      unpack: ['gzip'],
      format: { type: 'json', inferred: false, settings: {} },
      columns: [{ ...column, source: 'a.b' }],
      rowsSeen: 1,
      suggestedKeys: [],
      notes: [],
    },
  ],
};

test('a discovered source is written as YAML that a person likes to read', () => {
  assert.equal(
    writeSourceYaml(draft),
    `# yaml-language-server: $schema=../.granary/schema/source.json

description: 'Nightly files: "sales", # and more'
connector:
  type: sftp
  host: h
  password: \${secret:SHOP_PASSWORD}
datasets:
  sales:
    # To check: dates of "Sold on" may be day/month or month/day
    files: sales_{date:yyyyMMdd}.csv.gz
    format: { type: csv, delimiter: ; }
    # From 12,345 rows. Never empty in them: sale_id, sold_on
    columns:
      sale_id: bigint
      sold_on: { type: date, from: Sold on, format: "%d/%m/%Y" }
      total_net: { type: "decimal(12,2)", from: 'Total: "net", €', decimal: "," }
      yes: text
    # Rows were told apart by sale_id, or by sold_on + yes. To keep only the newest row of each:
    # load: { strategy: merge, key: [sale_id] }
    load: append

  log:
    files: log/*
    unpack: [ gzip ]
    format: json
    # From 1 row.
    columns:
      a_b: { type: text, from: a.b }
    # No column identifies a row, so rows can only be added.
    load: append
`,
  );
});

test('what is written loads without problems, and as it is suggested too', async (t) => {
  const text = writeSourceYaml(draft);
  const options = { secrets: { get: async () => 'a password' } };
  const { project, warnings } = await load(t, { 'sources/shop.yaml': text }, options);
  assert.deepEqual(warnings, []);
  const sales = project.sources.get('shop')!.datasets.get('sales')!;
  assert.equal(sales.config.columns.total_net?.from, 'Total: "net", €');
  assert.deepEqual(sales.unpack, [{ type: 'gzip' }]);

  const suggested = text.replace(/# (load: \{.*\})\n +load: append/, '$1');
  const merged = await load(t, { 'sources/shop.yaml': suggested }, options);
  assert.equal(merged.project.sources.get('shop')!.datasets.get('sales')!.config.load.strategy, 'merge');
});

test('values of a sample never get into the file', () => {
  assert.doesNotMatch(writeSourceYaml(draft), /secret value/);
});

test('names that YAML or a reference could be taken for survive', async (t) => {
  const odd = ['null', 'true', '1e3', '- x', '#', 'a: b', '${x}', ' lead', "it's"];
  const sales = { ...draft.datasets[0]!, columns: odd.map((source) => ({ ...column, source })) };
  const { project } = await load(
    t,
    { 'sources/shop.yaml': writeSourceYaml({ ...draft, datasets: [sales] }) },
    { secrets: { get: async () => 'a password' } },
  );
  const { columns } = project.sources.get('shop')!.datasets.get('sales')!.config;
  assert.deepEqual(
    Object.entries(columns).map(([name, c]) => c.from ?? name),
    odd,
  );
});

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { GranaryError } from '../lib/errors.ts';
import { loadProject } from './load.ts';
import { formatProblem } from './problems.ts';
import { findProject } from './project-files.ts';
import { components, lineOf, load, problemLines, problemsOf, projectFolder, salesSource } from './testing.ts';

test('a project is its granary.yaml and the sources in its folder, named after their files', async (t) => {
  const { project, warnings } = await load(t, {
    'granary.yaml': 'name: shop\nwarehouse: { memory: 1 GB }\n',
    'sources/shop.yaml': salesSource('load: { strategy: merge, key: sale_id }\n'),
    'sources/crm.yml': 'connector: { type: sftp, host: h }\ntenant: acme\ndatasets: {}\n',
  });
  assert.deepEqual(warnings, []);
  assert.equal(project.config.warehouse.memory, 1e9);
  assert.equal(project.dataDir, join(project.dir, '.granary'));
  assert.deepEqual([...project.sources.keys()], ['crm', 'shop']);
  assert.deepEqual(project.sources.get('crm')?.config.connector, {
    type: 'sftp',
    host: 'h',
    port: 22,
    password: undefined,
  });
  const sales = project.sources.get('shop')?.datasets.get('sales');
  assert.equal(sales?.key, 'main/shop/sales');
  assert.deepEqual(sales?.table, { schema: 'main', name: 'sales' });
  assert.deepEqual(sales?.config.load.key, ['sale_id']);
  assert.equal(sales?.config.columns.amount?.type, 'decimal(12,2)');
});

test('layers and format are taken from the endings of the file pattern', async (t) => {
  const dataset = (name: string, files: string) => `  ${name}:\n    files: "${files}"\n    columns: { a: text }\n`;
  const { project } = await load(t, {
    'sources/s.yaml': `connector: { type: folder, path: x }\ndatasets:\n${dataset('a', 'A_*.CSV.GZ')}${dataset('b', 'b.ndjson')}${dataset('c', 'c.tgz')}    format: csv\n${dataset('d', 'd.csv.gz')}    unpack: []\n    format: { type: csv, delimiter: ";" }\n`,
  });
  const of = (name: string) => {
    const d = project.sources.get('s')!.datasets.get(name)!;
    return [...d.unpack.map((c) => c.type), d.format.type];
  };
  assert.deepEqual(of('a'), ['gzip', 'csv']);
  assert.deepEqual(of('b'), ['json']);
  assert.deepEqual(of('c'), ['gzip', 'tar', 'csv']);
  assert.deepEqual(of('d'), ['csv']);
});

test('a part reads the files of the dataset it is part of, in its format or its own', async (t) => {
  const { project } = await load(t, {
    'sources/s.yaml': `connector: { type: folder, path: x }
datasets:
  lines: { part_of: log, columns: { a: text } }
  log: { files: log.json.gz, columns: { a: text } }
  heads: { part_of: log, format: { type: csv, delimiter: "|" }, columns: { a: text } }
`,
  });
  const { datasets } = project.sources.get('s')!;
  assert.deepEqual([...datasets.keys()], ['lines', 'log', 'heads']);
  assert.deepEqual(datasets.get('log')?.parts, ['lines', 'heads']);
  assert.deepEqual(datasets.get('lines')?.format, { type: 'json' });
  assert.deepEqual(datasets.get('lines')?.unpack, [{ type: 'gzip' }]);
  assert.equal(datasets.get('heads')?.format.delimiter, '|');
});

test('every problem of every file is told at once, with its position and the nearest right spelling', async (t) => {
  const error = await load(t, {
    'granary.yaml': 'name: Shop\nwarehous: {}\n',
    'sources/a.yaml': salesSource('colums: {}\nload: merg\n'),
    'sources/b.yaml': 'connector: { type: fodler }\ndatasets:\n\tx: 1\n',
  }).then(
    () => assert.fail('it loads'),
    (e: GranaryError) => e,
  );
  assert.equal(error.code, 'config.invalid');
  assert.equal(
    error.message,
    `The project has 5 problems:
granary.yaml:1:7  expected a name: lower-case letters, digits and _, starting with a letter, found "Shop"
granary.yaml:2:1  "warehous" is not known here. Did you mean "warehouse"?
sources/a.yaml:10:5  "colums" is not known here. Did you mean "columns"?
sources/a.yaml:11:11  expected one of append, replace, merge, snapshot, replace_partition, found "merg". Did you mean "merge"?
sources/b.yaml:3:1  a tab is used to indent. YAML allows only spaces there`,
  );
  assert.deepEqual(error.where, { file: 'granary.yaml', line: 1, column: 7 });
});

test('references are resolved in every file, and one that is not set is a problem at its place', async (t) => {
  const files = {
    'granary.yaml': 'name: t\nmask_key: ${secret:MASK_KEY}\n',
    'sources/s.yaml':
      'connector:\n  type: sftp\n  host: ${env:SFTP_HOST:-localhost}\n  port: ${env:SFTP_PORT}\ndatasets: {}\n',
  };
  const secrets = { get: async (name: string) => (name === 'MASK_KEY' ? 'a long key' : undefined) };
  const { project } = await load(t, files, { secrets, env: { SFTP_PORT: '2222' } });
  assert.equal(project.config.mask_key, 'a long key');
  const { host, port } = project.sources.get('s')!.config.connector;
  assert.deepEqual({ host, port }, { host: 'localhost', port: 2222 });

  assert.deepEqual(await problemLines(t, files), [
    'granary.yaml:2:11 secret MASK_KEY is not set',
    'sources/s.yaml:4:9 environment variable SFTP_PORT is not set',
  ]);
});

test('an environment lays its values over the project and its sources, and its own are the only ones resolved', async (t) => {
  const files = {
    'granary.yaml': `name: t
environments:
  prod:
    override: { warehouse: { memory: 8 GB } }
    sources:
      s: { connector: { host: "\${env:PROD_HOST}" }, transfers: 8 }
  dev:
    sources:
      s: { connector: { type: folder, path: sample } }
`,
    'sources/s.yaml': 'connector: { type: sftp, host: "${env:TEST_HOST}", port: 2222 }\ndatasets: {}\n',
  };
  const prod = await load(t, files, { environment: 'prod', env: { PROD_HOST: 'sftp.example.com' } });
  assert.equal(prod.project.environment, 'prod');
  assert.equal(prod.project.config.warehouse.memory, 8e9);
  const { connector, transfers } = prod.project.sources.get('s')!.config;
  assert.deepEqual([connector.host, connector.port, transfers], ['sftp.example.com', 2222, 8]);

  const dev = await load(t, files, { env: { GRANARY_ENV: 'dev' } });
  assert.deepEqual(dev.project.sources.get('s')!.config.connector, { type: 'folder', path: 'sample' });

  assert.deepEqual(await problemLines(t, files), ['sources/s.yaml:1:32 environment variable TEST_HOST is not set']);
  assert.deepEqual(await problemLines(t, files, { environment: 'prod' }), [
    'granary.yaml:6:31 environment variable PROD_HOST is not set',
  ]);
});

test('an environment or source that is not there is a problem', async (t) => {
  const files = {
    'granary.yaml': 'name: t\nenvironments:\n  prod:\n    sources:\n      shpo: { transfers: x }\n',
    'sources/shop.yaml': salesSource(''),
  };
  assert.deepEqual(await problemLines(t, files, { environment: 'prdo' }), [
    'granary.yaml:2:1 environment "prdo" is not declared; declared: prod → prod',
  ]);
  assert.deepEqual(await problemLines(t, files, { environment: 'prod' }), [
    'granary.yaml:5:7 there is no source "shpo" → shop',
  ]);
});

test('a problem in a value from an environment is told where the environment says it', async (t) => {
  const files = {
    'granary.yaml': 'name: t\nenvironments:\n  prod:\n    sources:\n      shop: { transfers: many }\n',
    'sources/shop.yaml': salesSource('').replace('connector', 'transfers: 2\nconnector'),
  };
  assert.deepEqual(await problemLines(t, files, { environment: 'prod' }), [
    'granary.yaml:5:26 expected a whole number, found "many"',
  ]);
});

test('anchors, aliases and merge keys work, and problems are told where they are written', async (t) => {
  const source = `connector: { type: folder, path: x }
datasets:
  a: &base
    files: a.csv
    columns: { id: bigint }
  b:
    <<: *base
    files: b.csv
`;
  const { project } = await load(t, { 'sources/s.yaml': source });
  assert.deepEqual(Object.keys(project.sources.get('s')!.datasets.get('b')!.config.columns), ['id']);
  assert.deepEqual(await problemLines(t, { 'sources/s.yaml': source.replace('bigint', 'bigin') }), [
    'sources/s.yaml:5:20 expected a column type (text, integer, bigint, double, boolean, date, time, timestamp, timestamp_tz, uuid, json, decimal(p,s)), found "bigin" → bigint',
  ]);
});

test('digits of codes survive: 007 in a list of allowed values stays 007', async (t) => {
  const { project } = await load(t, {
    'sources/s.yaml': salesSource(
      'rules:\n  - allowed: { column: store, values: [007, 1.50, 12345678901234567890] }\n',
    ),
  });
  const [rule] = project.sources.get('s')!.datasets.get('sales')!.config.rules!;
  assert.deepEqual(rule?.allowed?.values, ['007', '1.50', '12345678901234567890']);
});

test('mistakes of YAML are explained', async (t) => {
  const lines = (text: string) => problemLines(t, { 'sources/s.yaml': text });
  assert.deepEqual(await lines('transfers: 1\ntransfers: 2\n'), [
    'sources/s.yaml:2:1 "transfers" is here twice; first on line 1',
  ]);
  const [star] = await problemsOf(t, { 'sources/s.yaml': 'files: *.csv\n' });
  assert.equal(star?.hint, 'Quote text that starts with "*": "*.csv"');
  assert.match((await lines('a: "x\n'))[0]!, /^sources\/s.yaml:2:1 Missing closing "quote/);
  const [brace] = await problemsOf(t, { 'sources/s.yaml': 'files: {store}.csv\n' });
  assert.match(brace!.hint!, /Quote the whole text/);
  assert.match((await lines('a: &a [*a]\n'))[0]!, /inside its own anchor/);
  assert.match((await lines('a: 1\n---\nb: 1\n'))[0]!, /^sources\/s.yaml:2:1 a second document/);
});

test('a granary.yaml that cannot be read makes no false problems elsewhere', async (t) => {
  const files = {
    'granary.yaml': 'name: "t\n',
    'sources/s.yaml': `tenant: acme\n${salesSource('mask: { store: hash }\n')}`,
  };
  const lines = await problemLines(t, files, { environment: 'prod' });
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^granary\.yaml:2:1 Missing closing "quote/);
});

test('the bare word null in a list is explained', async (t) => {
  const source = salesSource('rules: [{ allowed: { column: store, values: [a, NULL] } }]\n');
  assert.deepEqual(await problemLines(t, { 'sources/s.yaml': source }), [
    'sources/s.yaml:10:53 expected a value, found nothing; the word null is written in quotes: "null"',
  ]);
});

test('a file that cannot be read is named', async (t) => {
  const dir = await projectFolder(t, {});
  await mkdir(join(dir, 'sources/a.yaml'), { recursive: true });
  await assert.rejects(loadProject({ dir, components, secrets: { get: async () => undefined } }), {
    code: 'config.invalid',
    message: /^sources\/a\.yaml cannot be read: EISDIR/,
  });
});

test('an alias bomb is refused and not unfolded', async (t) => {
  const levels = Array.from({ length: 20 }, (_, i) => `l${i + 1}: &l${i + 1} [*l${i}, *l${i}, *l${i}]\n`);
  const [first] = await problemLines(t, { 'sources/s.yaml': `l0: &l0 [x]\n${levels.join('')}` });
  assert.match(first!, /far too many values/);
});

test('what cannot be inferred is said with what to write', async (t) => {
  const problems = await problemsOf(t, {
    'sources/s.yaml': `connector: { type: folder, path: x }
datasets:
  a: { files: "a_{date:yyyyMMdd}", columns: { a: text } }
  b: { files: b.csv.gz.pgp, columns: { a: text } }
  c: { files: c.dat, columns: { a: text } }
  d: { columns: { a: text } }
  e: { files: "{x.csv", columns: { a: text } }
`,
  });
  assert.deepEqual(problems.map(formatProblem), [
    'sources/s.yaml:3:15  cannot tell the format from "a_{date:yyyyMMdd}". Add "format": one of csv, json, fixed',
    'sources/s.yaml:4:15  ".pgp" means openpgp, which cannot be used without settings: "key" is missing: Private key. Write "unpack" with them: unpack: [{ type: openpgp, … }, gzip]',
    'sources/s.yaml:5:15  ".dat" means fixed, which cannot be used without settings: "layout" is missing: Layout. Write them under "format": format: { type: fixed, … }',
    'sources/s.yaml:6:3  "files" is missing: which files the dataset is made of. A dataset has "files" or "part_of"',
    'sources/s.yaml:7:15  the file pattern "{x.csv" is wrong: a "{" is not closed',
  ]);
});

test('the contract hash changes with what decides rows and with nothing else', async (t) => {
  const hash = async (lines: string, source = (s: string) => s) => {
    const { project } = await load(t, {
      'granary.yaml': 'name: t\nmask_key: aaaaaaaa\n',
      'sources/s.yaml': source(salesSource(lines)),
    });
    return project.sources.get('s')!.datasets.get('sales')!.contractHash;
  };
  const base = await hash('keep: amount > 0\nformat: { type: csv, password: abcd }\n');
  assert.match(base, /^[0-9a-f]{64}$/);
  const same = [
    'format: { type: csv, password: efgh }\nkeep: amount > 0\n',
    'keep: amount > 0\nload: { strategy: merge, key: sale_id }\ntable: t\nsort_by: store\nready: now\nformat: csv\n',
  ];
  for (const lines of same) assert.equal(await hash(lines), base, lines);
  assert.equal(
    await hash('keep: amount > 0\n', (s) => s.replace('sale_id: bigint', 'sale_id: { type: bigint, description: x }')),
    base,
  );
  const other = [
    'keep: amount > 1\n',
    'keep: amount > 0\nformat: { type: csv, delimiter: ";" }\n',
    'keep: amount > 0\nunpack: gzip\n',
    'keep: amount > 0\nmask: { store: hash }\n',
    'keep: amount > 0\nverify: { trailer: { pattern: TRL } }\n',
    'keep: amount > 0\non_drift: evolve\n',
    'keep: amount > 0\nrules: [{ required: amount }]\n',
  ];
  for (const lines of other) assert.notEqual(await hash(lines), base, lines);
  const reordered = (s: string) =>
    s.replace('      sale_id: bigint\n', '').replace('sold_on: date\n', 'sold_on: date\n      sale_id: bigint\n');
  assert.notEqual(await hash('keep: amount > 0\n', reordered), base);
});

test('a secret in clear is a warning, and no message shows it', async (t) => {
  const source = 'connector: { type: sftp, host: h, password: hunter2secret }\ndatasets: {}\n';
  const { warnings } = await load(t, { 'sources/s.yaml': source });
  assert.deepEqual(warnings.map(lineOf), ['sources/s.yaml:1:45 the secret "password" is written in clear']);
  const problems = await problemsOf(t, { 'sources/s.yaml': source.replace('host: h', 'host: h, port: hunter2secret') });
  assert.doesNotMatch(JSON.stringify(problems), /hunter2/);
  assert.match(problems[0]!.message, /found "\*\*\*"/);
});

test('not even the beginning of a long secret gets into a message', async (t) => {
  const key = `-----BEGIN KEY-----${'abcdefgh'.repeat(20)}`;
  const source = 'connector: { type: sftp, host: h, port: "${secret:KEY}" }\ndatasets: {}\n';
  const problems = await problemLines(t, { 'sources/s.yaml': source }, { secrets: { get: async () => key } });
  assert.deepEqual(problems, ['sources/s.yaml:1:41 expected a whole number, found "***"']);
});

test('the project is found from any folder below it', async (t) => {
  const dir = await projectFolder(t, {});
  await mkdir(join(dir, 'a/b'), { recursive: true });
  assert.equal(await findProject(join(dir, 'a/b')), dir);
});

test('without a project the error says where was looked and what to type', async (t) => {
  const dir = await projectFolder(t, { 'x/y.txt': '' });
  await assert.rejects(loadProject({ dir: join(dir, 'x'), components, secrets: { get: async () => undefined } }), {
    code: 'config.not_found',
    hint: /granary init/,
  });
  await assert.rejects(findProject('/proc/self'), {
    code: 'config.not_found',
    message: /\/proc\/\S+, \/proc, \/$|\/proc\/self, \/proc, \//,
  });
});

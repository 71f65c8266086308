import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { PROJECT_SCHEMA, projectSchemas, SOURCE_SCHEMA, schemaLine } from './schema-files.ts';
import { components, salesSource } from './testing.ts';

const ajv = new Ajv({ strict: true, allowUnionTypes: true });
const schemas = projectSchemas(components);
const project = ajv.compile(schemas[PROJECT_SCHEMA]!);
const source = ajv.compile(schemas[SOURCE_SCHEMA]!);

test('the schemas accept what projects may say', () => {
  const projects = [
    'name: shop',
    'name: ${env:NAME}\nworkers: { count: "${env:N}", timeout: 2 h }\nenvironments: { dev: { override: {} } }',
  ];
  for (const text of projects) assert.ok(project(parse(text)), `${text}: ${ajv.errorsText(project.errors)}`);
  const sources = [
    salesSource(''),
    salesSource('load: replace\nready: now\nafter_landing: { action: move, to: done }\nunpack: gzip\nformat: csv\n'),
    salesSource('unpack: [{ type: openpgp, key: "${secret:K}" }, gzip]\nformat: { type: csv, delimiter: ";" }\n'),
    salesSource(
      'drop: amount\nmask: { store: hash, amount: { type: redact, text: x } }\nverify: { min_bytes: 1 KB, max_rows: 10 }\n',
    ),
    salesSource(
      'rules:\n  - { range: { column: amount, min: 1 }, severity: quarantine, above: 5 % }\n  - required: [sale_id]\n',
    ),
    'connector: { type: sftp, host: h, port: "${env:PORT}" }\ndatasets: {}\n',
  ];
  for (const text of sources) assert.ok(source(parse(text)), `${text}: ${ajv.errorsText(source.errors)}`);
});

test('the schemas refuse unknown fields, wrong kinds and missing parts', () => {
  for (const text of ['{}', 'name: shop\nwarehous: {}', 'name: shop\nworkers: { count: many }', 'name: [a]'])
    assert.equal(project(parse(text)), false, text);
  const sources = [
    'datasets: {}',
    'connector: { type: folder }\ndatasets: {}',
    'connector: { type: ftps, host: h }\ndatasets: {}',
    'connector: folder\ndatasets: {}',
    salesSource('colums: {}\n'),
    salesSource('load: { strategy: merg }\n'),
    salesSource('mask: { store: hide }\n'),
    salesSource('unpack: openpgp\n'),
    salesSource('rules: [{ range: { colum: amount } }]\n'),
  ];
  for (const text of sources) assert.equal(source(parse(text)), false, text);
});

test('the schema line leads from a file to its schema', () => {
  assert.equal(
    schemaLine('granary.yaml', PROJECT_SCHEMA),
    '# yaml-language-server: $schema=.granary/schema/project.json',
  );
  assert.equal(
    schemaLine('sources/shop.yaml', SOURCE_SCHEMA),
    '# yaml-language-server: $schema=../.granary/schema/source.json',
  );
});

import assert from 'node:assert/strict';
import test from 'node:test';
import type { Issue } from '../../lib/spec/spec.ts';
import { csvSpec, scanDialect } from './config.ts';

function parse(value: unknown) {
  const issues: Issue[] = [];
  return { config: csvSpec.parse(value, [], { issues }), issues };
}

test('nothing said means a comma, double quotes and a header', () => {
  const { config, issues } = parse({});
  assert.deepEqual(issues, []);
  const dialect = scanDialect(config!);
  assert.equal(dialect.delimiter.toString(), ',');
  assert.deepEqual([dialect.quote, dialect.escape, dialect.comment, dialect.header], [34, 34, 0, true]);
});

test('a delimiter can be given by name or as it is', () => {
  for (const [given, meant] of [
    ['tab', '\t'],
    ['\\t', '\t'],
    ['pipe', '|'],
    [';', ';'],
    ['~|~', '~|~'],
    ['§', '§'],
  ]) {
    const { config } = parse({ delimiter: given });
    assert.equal(config!.delimiter, meant);
  }
});

test('what cannot be a dialect is an issue that names the field', () => {
  for (const bad of [
    { delimiter: '12345' },
    { delimiter: '\n' },
    { quote: 'ab' },
    { comment: '//' },
    { footer_pattern: '(' },
  ]) {
    const { issues } = parse(bad);
    assert.deepEqual(
      issues.map((i) => i.path),
      [Object.keys(bad)],
    );
  }
});

test('no quotes and backslash escapes are dialects', () => {
  assert.equal(scanDialect(parse({ quote: 'none' }).config!).quote, 0);
  assert.equal(scanDialect(parse({ escape: '\\' }).config!).escape, 92);
});

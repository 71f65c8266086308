import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, whereOf, withoutSemicolon } from './query-guard.ts';

test('a semicolon ends a statement, but not within quotes or comments', () => {
  const same = [
    "SELECT ';'",
    'SELECT 1 AS "a;b"',
    "SELECT e'\\';'",
    'SELECT $x$;$x$',
    'SELECT 1 -- a;\n+ 1',
    'SELECT /* ; */ 1',
  ];
  for (const text of same) {
    assert.equal(withoutSemicolon(text), text);
    assert.equal(withoutSemicolon(`${text}\n; -- the end;`), `${text}\n`);
  }
});

test('a place in a statement is a line and a column, both from 1', () => {
  assert.deepEqual(whereOf('SELECT\n  x', 0), { line: 1, column: 1 });
  assert.deepEqual(whereOf('SELECT\n  x', 9), { line: 2, column: 3 });
  assert.equal(whereOf('SELECT', 99), undefined);
  assert.equal(whereOf('SELECT', Number.NaN), undefined);
});

test('a missing table of another schema is suggested with its schema', () => {
  const complaint = {
    exception_type: 'Catalog',
    exception_message: 'no',
    type: 'Table',
    name: 'sales',
    position: '14',
  };
  const error = explain(JSON.stringify(complaint), 'SELECT * FROM sales', new Set(['orders', 'acme.sales']));
  assert.equal(error?.hint, 'Did you mean acme.sales?');
  assert.deepEqual(error?.where, { line: 1, column: 15 });
});

test('a failure that is not about the statement is not explained as one', () => {
  const complaint = { exception_type: 'Out of Memory', exception_message: 'failed to allocate' };
  assert.equal(explain(JSON.stringify(complaint), 'SELECT 1', new Set()), undefined);
  assert.equal(explain('IO Error: disk', 'SELECT 1', new Set()), undefined);
});

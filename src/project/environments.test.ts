import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overlay } from './environments.ts';

const over = (base: unknown, value: unknown) => JSON.parse(JSON.stringify(overlay(base, value)));

test('mappings are merged and everything else is replaced, lists too', () => {
  assert.deepEqual(over({ a: { x: 1, y: 2 }, b: [1, 2], c: 3 }, { a: { y: 5, z: 6 }, b: [9], d: { e: 1 } }), {
    a: { x: 1, y: 5, z: 6 },
    b: [9],
    c: 3,
    d: { e: 1 },
  });
  assert.deepEqual(over({ load: 'append' }, { load: { strategy: 'merge', key: 'id' } }), {
    load: { strategy: 'merge', key: 'id' },
  });
});

test('null takes a value away', () => {
  assert.deepEqual(over({ a: 1, b: { c: 2 } }, { b: null }), { a: 1, b: null });
});

test('a component of another type is replaced whole, one of the same type is merged', () => {
  const base = { connector: { type: 'sftp', host: 'h', port: 22 } };
  assert.deepEqual(over(base, { connector: { type: 'folder', path: 'x' } }), {
    connector: { type: 'folder', path: 'x' },
  });
  assert.deepEqual(over(base, { connector: { type: 'sftp', port: 23 } }), {
    connector: { type: 'sftp', host: 'h', port: 23 },
  });
});

test('what is merged into stays as it was', () => {
  const base = { a: { x: 1 } };
  overlay(base, { a: { x: 2 } });
  assert.deepEqual(base, { a: { x: 1 } });
});

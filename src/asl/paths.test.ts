import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findPath, isReferencePath, readPath, writePath } from './paths.ts';
import { type Json, StatesError } from './types.ts';

const input: Json = {
  store: {
    book: [
      { title: 'A', price: 8, tags: ['x'], isbn: '1' },
      { title: 'B', price: 12 },
      { title: 'C', price: 22, tags: [], author: { name: 'Lee' } },
    ],
    limit: 12,
    'a.b': 1,
    "it's": 2,
    été: 3,
    none: null,
  },
  list: [0, 1, 2, 3, 4, 5],
  text: 'words',
};
const context: Json = { Execution: { Id: 'e-1' }, Map: { Item: { Index: 4 } } };

const found: [path: string, value: Json][] = [
  ['$', input],
  ['$$', context],
  ['$$.Execution.Id', 'e-1'],
  ["$$['Map'].Item.Index", 4],
  ['$.text', 'words'],
  ["$['text']", 'words'],
  ['$["text"]', 'words'],
  ["$.store['a.b']", 1],
  ['$.store.a\\.b', 1],
  ["$.store['it\\'s']", 2],
  ['$.store.été', 3],
  ['$.store.none', null],
  ['$.store.book[0].title', 'A'],
  ['$.store.book[-1].title', 'C'],
  ['$.store.book[*].title', ['A', 'B', 'C']],
  ['$.store.book[*].author.name', ['Lee']],
  ['$.store.book.*.price', [8, 12, 22]],
  ['$.store.book[0].*', ['A', 8, ['x'], '1']],
  ['$..price', [8, 12, 22]],
  ['$..book[0].title', ['A']],
  ['$..nothing', []],
  ['$..[0]', [{ title: 'A', price: 8, tags: ['x'], isbn: '1' }, 'x', 0]],
  ['$.list[1:3]', [1, 2]],
  ['$.list[:2]', [0, 1]],
  ['$.list[4:]', [4, 5]],
  ['$.list[-2:]', [4, 5]],
  ['$.list[:-4]', [0, 1]],
  ['$.list[0:6:2]', [0, 2, 4]],
  ['$.list[0,2,9]', [0, 2]],
  ["$.store.book[0]['title','price']", { title: 'A', price: 8 }],
  ["$.store.book[*]['title','isbn']", [{ title: 'A', isbn: '1' }, { title: 'B' }, { title: 'C' }]],
  ["$['list','text'][0]", [0]],
  ['$.store.book[?(@.price > 10)].title', ['B', 'C']],
  ['$.store.book[?(@.price>=12&&@.price<22)].title', ['B']],
  ['$.store.book[?(@.title == \'A\' || @.title == "C")].price', [8, 22]],
  ["$.store.book[?(!(@.title == 'A'))].price", [12, 22]],
  ["$.store.book[?(@['title'] != 'A')].price", [12, 22]],
  ['$.store.book[?(@.isbn)].title', ['A']],
  ['$.store.book[?(!@.isbn)].title', ['B', 'C']],
  ['$.store.book[?(@.tags[*])].title', ['A']],
  ['$.store.book[?(@.price == $.store.limit)].title', ['B']],
  ['$.store.book[?(@.price > 10 && (@.isbn || @.author))].title', ['C']],
  ['$.list[?(@ > 3)]', [4, 5]],
  ['$.list[?(@ == $$.Map.Item.Index)]', [4]],
  ["$.store.book[?(@.author.name == 'Lee')].title", ['C']],
  ["$.store.book[?(@.price == '8')].title", []],
  ['$.list[?(@ > 99)]', []],
  ['$.list[?(@.x == null)]', []],
  ['$.store[?(@.limit == 12)].limit', [12]],
];
for (const [path, value] of found)
  test(`${path} reads what it leads to`, () => assert.deepEqual(readPath(path, input, context), value));

const missing = [
  '$.no',
  '$.store.no.more',
  '$.list[6]',
  '$.list[-7]',
  '$.text.length',
  '$.list.length',
  '$.no[*]',
  '$.store[0]',
  '$$.No',
  '$.toString',
  '$.__proto__',
  '$.text[0]',
];
for (const path of missing)
  test(`${path} leads nowhere: States.Runtime`, () => {
    assert.throws(() => readPath(path, input, context), { error: 'States.Runtime' });
    assert.equal(findPath(path, input, context), undefined);
  });

const malformed = [
  '',
  'a',
  '@.a',
  '$a',
  '$.',
  '$.a.',
  '$[',
  '$[]',
  "$['a",
  "$['a'",
  '$.a b',
  '$.a[x]',
  '$[1:2:0]',
  '$[?(@.a ==)]',
  '$[?(@.a == b)]',
  '$[?@.a]',
  '$[?(1)]',
  '$...a',
  '$.a()',
  '$.a[1,]',
  '$.length()',
  "$.'a'",
];
for (const path of malformed)
  test(`'${path}' is no path`, () => {
    assert.throws(
      () => readPath(path, input, context),
      (e) => e instanceof StatesError && e.error === 'States.Runtime',
    );
    assert.equal(isReferencePath(path), false);
  });

test('a reference path has names and indexes only', () => {
  for (const path of ['$', '$.a', "$['a b'].c", '$.a[0]', '$$.a']) assert.equal(isReferencePath(path), true, path);
  for (const path of ['$.*', '$..a', '$.a[*]', '$.a[0:1]', '$.a[0,1]', "$['a','b']", '$.a[?(@.b)]'])
    assert.equal(isReferencePath(path), false, path);
});

const written: [path: string, into: Json, value: Json, result: Json][] = [
  ['$', { a: 1 }, 'new', 'new'],
  ['$.b', { a: 1 }, 2, { a: 1, b: 2 }],
  ['$.a', { a: 1 }, { c: 3 }, { a: { c: 3 } }],
  ['$.x.y.z', { a: 1 }, 2, { a: 1, x: { y: { z: 2 } } }],
  ["$['x y'].z", {}, null, { 'x y': { z: null } }],
  ['$.l[1]', { l: [1, 2, 3] }, 'two', { l: [1, 'two', 3] }],
  ['$.l[-1].n', { l: [{}, { m: 1 }] }, 5, { l: [{}, { m: 1, n: 5 }] }],
];
for (const [path, into, value, result] of written)
  test(`a value is written at ${path} of ${JSON.stringify(into)}`, () => {
    const before = structuredClone(into);
    assert.deepEqual(writePath(path, into, value), result);
    assert.deepEqual(into, before);
  });

const unwritable: [path: string, into: Json][] = [
  ['$.a', 'text'],
  ['$.a', [1]],
  ['$.a', null],
  ['$.a.b', { a: 1 }],
  ['$.a.b', { a: null }],
  ['$.l[3]', { l: [1] }],
  ['$.l[0]', {}],
  ['$.l[*]', { l: [1] }],
  ['$$.a', {}],
];
for (const [path, into] of unwritable)
  test(`nothing is written at ${path} of ${JSON.stringify(into)}: States.ResultPathMatchFailure`, () =>
    assert.throws(() => writePath(path, into, 1), { error: 'States.ResultPathMatchFailure' }));

test('names that objects inherit are data like any other', () => {
  const out = writePath('$.__proto__.x', {}, 1) as { [key: string]: Json };
  assert.equal(JSON.stringify(out), '{"__proto__":{"x":1}}');
  assert.equal(({} as Record<string, unknown>)['x'], undefined);
  assert.equal(readPath('$.__proto__.x', out, {}), 1);
});

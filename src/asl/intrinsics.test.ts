import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateIntrinsic } from './intrinsics.ts';
import type { Json } from './types.ts';

const input: Json = {
  name: 'Foo',
  n: 7,
  half: 2.5,
  list: [1, 2, 3, 1],
  rows: [{ a: 1, b: 2 }, { b: 2, a: 1 }, { a: 1 }],
  one: { a: 1, b: { x: 1 } },
  two: { b: { y: 2 }, c: null },
  json: '{"k":[1,2]}',
  template: 'say \\{{}\\}',
  none: null,
};
const context: Json = { Execution: { Name: 'run-1' } };

const gives: [call: string, value: Json][] = [
  ["States.Format('Hello, {}', $.name)", 'Hello, Foo'],
  ["States.Format('{}/{}/{}', $$.Execution.Name, $.n, true)", 'run-1/7/true'],
  ["States.Format('{} {}', null, 1.5)", 'null 1.5'],
  ["States.Format('no placeholder')", 'no placeholder'],
  ["States.Format('it\\'s \\{{}\\} and \\\\', 'x')", "it's {x} and \\"],
  ["States.Format('{}', '{}')", '{}'],
  ['States.Format($.template, 1)', 'say {1}'],
  ["States.Format('{}', States.Format('<{}>', $.name))", '<Foo>'],
  ['States.StringToJson($.json)', { k: [1, 2] }],
  ['States.StringToJson(\'{"number":20}\')', { number: 20 }],
  ["States.StringToJson('\\{\\}')", {}],
  ['States.JsonToString($.one)', '{"a":1,"b":{"x":1}}'],
  ['States.JsonToString($.name)', '"Foo"'],
  ['States.Array()', []],
  ["States.Array('a', $.n, null, $.none)", ['a', 7, null, null]],
  ['States.Array(States.Array(1), 2)', [[1], 2]],
  ['States.ArrayPartition($.list, 3)', [[1, 2, 3], [1]]],
  ['States.ArrayPartition($.list, 4)', [[1, 2, 3, 1]]],
  ['States.ArrayPartition(States.Array(), 4)', []],
  ['States.ArrayContains($.list, 3)', true],
  ["States.ArrayContains($.list, '3')", false],
  ['States.ArrayContains($.rows, $.rows[2])', true],
  ['States.ArrayRange(1, 9, 2)', [1, 3, 5, 7, 9]],
  ['States.ArrayRange(5, 1, -2)', [5, 3, 1]],
  ['States.ArrayRange(5, 1, 1)', []],
  ['States.ArrayGetItem($.list, 2)', 3],
  ['States.ArrayLength($.list)', 4],
  ['States.ArrayLength($.list[?(@ > 1)])', 2],
  ['States.ArrayUnique($.list)', [1, 2, 3]],
  ['States.ArrayUnique($.rows)', [{ a: 1, b: 2 }, { a: 1 }]],
  ["States.ArrayUnique(States.Array(1, '1', null, null))", [1, '1', null]],
  ["States.Base64Encode('Data to encode')", 'RGF0YSB0byBlbmNvZGU='],
  ["States.Base64Decode('RGVjb2RlZCBkYXRh')", 'Decoded data'],
  ["States.Base64Decode(States.Base64Encode('zażółć'))", 'zażółć'],
  ["States.Hash('input data', 'MD5')", '812f45842bc6d66ee14572ce20db8e86'],
  ["States.Hash('input data', 'SHA-1')", 'aaff4a450a104cd177d28d18d74485e8cae074b7'],
  ["States.Hash('', 'SHA-256')", 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  [
    "States.Hash('', 'SHA-384')",
    '38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b',
  ],
  [
    "States.Hash('', 'SHA-512')",
    'cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e',
  ],
  ['States.JsonMerge($.one, $.two, false)', { a: 1, b: { y: 2 }, c: null }],
  ['States.MathAdd(111, -1)', 110],
  ['States.MathAdd($.half, 1)', 4],
  ['States.MathAdd(-2147483648, 0)', -2147483648],
  ["States.StringSplit('1,2,,3', ',')", ['1', '2', '3']],
  ["States.StringSplit('This.is+a,test=string', '.+,=')", ['This', 'is', 'a', 'test', 'string']],
  ["States.StringSplit('', ',')", []],
  ["States.StringSplit('abc', '')", ['abc']],
  ["States.ArrayGetItem(States.StringSplit($.name, 'o'), 0)", 'F'],
  ["  States.Array( 1 ,'a b' , $.rows[0]['a','b'] )  ", [1, 'a b', { a: 1, b: 2 }]],
  ["States.Array('(),', 1e3)", ['(),', 1000]],
];
for (const [call, value] of gives)
  test(`${call} gives its value`, () => assert.deepEqual(evaluateIntrinsic(call, input, context), value));

const fails = [
  "States.Format('{}')",
  "States.Format('{}', 1, 2)",
  "States.Format('{}', $.list)",
  "States.Format('{x}', 1)",
  'States.Format($.n)',
  'States.StringToJson($.name)',
  'States.StringToJson($.n)',
  'States.ArrayPartition($.list, 0)',
  'States.ArrayPartition($.name, 1)',
  "States.ArrayPartition($.list, '1')",
  'States.ArrayContains($.name, 1)',
  'States.ArrayRange(1, 9, 0)',
  'States.ArrayRange(1, 1001, 1)',
  'States.ArrayGetItem($.list, 4)',
  'States.ArrayGetItem($.list, -1)',
  'States.ArrayLength($.one)',
  'States.ArrayUnique(1)',
  'States.Base64Encode(1)',
  "States.Base64Decode('***')",
  "States.Hash('x', 'SHA-3')",
  "States.Hash('x', 'toString')",
  "States.Hash($.one, 'MD5')",
  'States.JsonMerge($.one, $.two, true)',
  'States.JsonMerge($.one, $.list, false)',
  'States.MathRandom(5, 5)',
  "States.MathAdd('1', 2)",
  'States.MathAdd(2147483647, 1)',
  "States.StringSplit($.list, ',')",
  'States.Array($.missing)',
  'States.Nothing()',
  'States.toString()',
  'States.Array(',
  'States.Array(1',
  'States.Array(1,)',
  'States.Array(1) x',
  "States.Array('a)",
  "States.Array('\\n')",
  'States.Array(name)',
  'States.Array($.)',
  'States.UUID(1)',
  'States.ArrayLength()',
  'Array(1)',
];
for (const call of fails)
  test(`${call} fails with States.IntrinsicFailure`, () =>
    assert.throws(() => evaluateIntrinsic(call, input, context), { error: 'States.IntrinsicFailure' }));

test('texts over 10,000 characters are refused by Base64Encode, Base64Decode and Hash', () => {
  for (const call of ['States.Base64Encode($.t)', 'States.Base64Decode($.t)', "States.Hash($.t, 'MD5')"]) {
    assert.throws(() => evaluateIntrinsic(call, { t: 'a'.repeat(10_004) }, {}), { error: 'States.IntrinsicFailure' });
    assert.equal(typeof evaluateIntrinsic(call, { t: 'a'.repeat(10_000) }, {}), 'string');
  }
});

test('calls nest 10 deep and no deeper', () => {
  const nested = (depth: number) => `${'States.Array('.repeat(depth)}${')'.repeat(depth)}`;
  assert.doesNotThrow(() => evaluateIntrinsic(nested(10), {}, {}));
  assert.throws(() => evaluateIntrinsic(nested(11), {}, {}), { error: 'States.IntrinsicFailure' });
});

test('MathRandom stays within its bounds, and the same seed gives the same number', () => {
  const seen = new Set<Json>();
  for (let i = 0; i < 200; i++) seen.add(evaluateIntrinsic('States.MathRandom(1, 4)', {}, {}));
  assert.deepEqual([...seen].sort(), [1, 2, 3]);
  const seeded = (seed: number) => evaluateIntrinsic('States.MathRandom(0, 1000000, $.s)', { s: seed }, {});
  assert.equal(seeded(5), seeded(5));
  assert.notEqual(seeded(5), seeded(6));
});

test('UUID gives a version 4 UUID, another each time', () => {
  const [a, b] = [evaluateIntrinsic('States.UUID()', {}, {}), evaluateIntrinsic('States.UUID()', {}, {})];
  assert.match(String(a), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(a, b);
});

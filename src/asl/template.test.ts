import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate, faultsOfTemplate } from './template.ts';
import type { Json, JsonObject } from './types.ts';

const input: Json = { a: { b: [1, 2] }, name: 'x', empty: null };
const context: Json = { Execution: { Id: 'e-1' } };

const cases: [template: JsonObject, value: Json][] = [
  [{}, {}],
  [{ plain: '$.name' }, { plain: '$.name' }],
  [{ 'v.$': '$.name' }, { v: 'x' }],
  [{ 'all.$': '$' }, { all: input }],
  [{ 'id.$': '$$.Execution.Id' }, { id: 'e-1' }],
  [{ 'none.$': '$.empty' }, { none: null }],
  [{ 'many.$': '$.a.b[*]' }, { many: [1, 2] }],
  [{ 'none.$': '$.a.b[?(@ > 9)]' }, { none: [] }],
  [{ deep: { er: { 'v.$': '$.a.b[1]', k: 1 } } }, { deep: { er: { v: 2, k: 1 } } }],
  [{ list: [{ 'v.$': '$.name' }, 'text', [{ 'w.$': '$.a.b[0]' }]] }, { list: [{ v: 'x' }, 'text', [{ w: 1 }]] }],
  [{ 'key.$': "States.Format('{}/{}', $$.Execution.Id, $.name)" }, { key: 'e-1/x' }],
  [{ '.$': '$.name' }, { '': 'x' }],
];
for (const [template, value] of cases)
  test(`${JSON.stringify(template)} is filled in`, () => {
    const before = structuredClone(template);
    assert.deepEqual(evaluate(template, input, context), value);
    assert.deepEqual(evaluate(template, input, context), value);
    assert.deepEqual(template, before);
  });

test('a template is filled in anew for each input', () => {
  const template = { 'v.$': '$.n', w: { 'x.$': 'States.MathAdd($.n, 1)' } };
  assert.deepEqual(evaluate(template, { n: 1 }, {}), { v: 1, w: { x: 2 } });
  assert.deepEqual(evaluate(template, { n: 5 }, {}), { v: 5, w: { x: 6 } });
});

const errors: [template: JsonObject, error: string][] = [
  [{ 'v.$': '$.missing' }, 'States.ParameterPathFailure'],
  [{ 'v.$': '$$.missing' }, 'States.ParameterPathFailure'],
  [{ a: [{ 'v.$': '$.a.c' }] }, 'States.ParameterPathFailure'],
  [{ 'v.$': '$..' }, 'States.ParameterPathFailure'],
  [{ 'v.$': 'States.Format($.missing)' }, 'States.IntrinsicFailure'],
  [{ 'v.$': 'States.Nothing()' }, 'States.IntrinsicFailure'],
  [{ 'v.$': 'text' }, 'States.IntrinsicFailure'],
  [{ 'v.$': 5 }, 'States.Runtime'],
];
for (const [template, error] of errors)
  test(`${JSON.stringify(template)} fails with ${error}`, () =>
    assert.throws(() => evaluate(template, input, context), { error }));

test('the error of a path names the field and the path, not the data', () => {
  assert.throws(() => evaluate({ 'key.$': '$.missing' }, { secret: 'hunter2' }, {}), {
    causeText: "The JSONPath '$.missing' specified for the field 'key.$' could not be found in the input",
  });
});

test('faults of a template are told with their place before it runs', () => {
  assert.deepEqual(
    faultsOfTemplate({ 'a.$': '$.x', b: [{ 'c.$': 'nope' }], 'd.$': 5, e: 1, 'e.$': '$.y' }).map((f) => f.at),
    ['.b[0].c.$', '.d.$', '.e.$'],
  );
  assert.deepEqual(faultsOfTemplate({ 'a.$': "States.Format('{}', $.b)", c: { d: '$..' } }), []);
});

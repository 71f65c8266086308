import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matches } from './choice.ts';
import type { ChoiceRule, Json } from './types.ts';

const input: Json = {
  s: 'banana',
  n: 5,
  zero: 0,
  t: true,
  f: false,
  nil: null,
  at: '2026-03-29T01:30:00Z',
  sameAt: '2026-03-29T03:30:00.000+02:00',
  later: '2026-03-29T01:30:00.0000005Z',
  day: '2026-03-29',
  file: 'log-2026.txt',
  star: 'a*b',
  list: [1],
};
const context: Json = { Execution: { Name: 'banana' } };

const rules: [rule: ChoiceRule, holds: boolean][] = [
  [{ Variable: '$.s', StringEquals: 'banana' }, true],
  [{ Variable: '$.s', StringEquals: 'Banana' }, false],
  [{ Variable: '$.n', StringEquals: '5' }, false],
  [{ Variable: '$.s', StringEqualsPath: '$$.Execution.Name' }, true],
  [{ Variable: '$$.Execution.Name', StringEqualsPath: '$.s' }, true],
  [{ Variable: '$.s', StringEqualsPath: '$.n' }, false],
  [{ Variable: '$.s', StringLessThan: 'cherry' }, true],
  [{ Variable: '$.s', StringLessThan: 'banana' }, false],
  [{ Variable: '$.s', StringLessThanPath: '$.star' }, false],
  [{ Variable: '$.s', StringLessThanEquals: 'banana' }, true],
  [{ Variable: '$.s', StringLessThanEqualsPath: '$.s' }, true],
  [{ Variable: '$.s', StringGreaterThan: 'apple' }, true],
  [{ Variable: '$.s', StringGreaterThanPath: '$.star' }, true],
  [{ Variable: '$.s', StringGreaterThanEquals: 'banana' }, true],
  [{ Variable: '$.s', StringGreaterThanEqualsPath: '$.file' }, false],
  [{ Variable: '$.n', NumericEquals: 5 }, true],
  [{ Variable: '$.n', NumericEquals: 5.5 }, false],
  [{ Variable: '$.s', NumericEquals: 5 }, false],
  [{ Variable: '$.n', NumericEqualsPath: '$.n' }, true],
  [{ Variable: '$.n', NumericLessThan: 6 }, true],
  [{ Variable: '$.n', NumericLessThanPath: '$.zero' }, false],
  [{ Variable: '$.n', NumericLessThanEquals: 5 }, true],
  [{ Variable: '$.n', NumericLessThanEqualsPath: '$.n' }, true],
  [{ Variable: '$.n', NumericGreaterThan: 4.9 }, true],
  [{ Variable: '$.n', NumericGreaterThanPath: '$.zero' }, true],
  [{ Variable: '$.n', NumericGreaterThanEquals: 5 }, true],
  [{ Variable: '$.zero', NumericGreaterThanEqualsPath: '$.n' }, false],
  [{ Variable: '$.t', BooleanEquals: true }, true],
  [{ Variable: '$.f', BooleanEquals: false }, true],
  [{ Variable: '$.n', BooleanEquals: true }, false],
  [{ Variable: '$.t', BooleanEqualsPath: '$.f' }, false],
  [{ Variable: '$.at', TimestampEquals: '2026-03-29T02:30:00+01:00' }, true],
  [{ Variable: '$.at', TimestampEqualsPath: '$.sameAt' }, true],
  [{ Variable: '$.s', TimestampEquals: '2026-03-29T02:30:00+01:00' }, false],
  [{ Variable: '$.at', TimestampLessThan: '2026-03-29T01:30:00.5Z' }, true],
  [{ Variable: '$.at', TimestampLessThanPath: '$.later' }, true],
  [{ Variable: '$.at', TimestampLessThanEquals: '2026-03-29T01:30:00Z' }, true],
  [{ Variable: '$.later', TimestampLessThanEqualsPath: '$.at' }, false],
  [{ Variable: '$.at', TimestampGreaterThan: '2026-03-29T01:29:59.999Z' }, true],
  [{ Variable: '$.later', TimestampGreaterThanPath: '$.at' }, true],
  [{ Variable: '$.at', TimestampGreaterThanEquals: '2026-03-29T01:30:00Z' }, true],
  [{ Variable: '$.at', TimestampGreaterThanEqualsPath: '$.later' }, false],
  [{ Variable: '$.file', StringMatches: 'log-*.txt' }, true],
  [{ Variable: '$.file', StringMatches: '*' }, true],
  [{ Variable: '$.file', StringMatches: '*2026*' }, true],
  [{ Variable: '$.file', StringMatches: 'log-*.csv' }, false],
  [{ Variable: '$.file', StringMatches: 'log-2026.txt' }, true],
  [{ Variable: '$.file', StringMatches: 'log-20*026.txt' }, false],
  [{ Variable: '$.file', StringMatches: 'log?2026.txt' }, false],
  [{ Variable: '$.star', StringMatches: 'a\\*b' }, true],
  [{ Variable: '$.s', StringMatches: 'b\\*a' }, false],
  [{ Variable: '$.n', StringMatches: '*' }, false],
  [{ Variable: '$.nil', IsNull: true }, true],
  [{ Variable: '$.n', IsNull: true }, false],
  [{ Variable: '$.n', IsNull: false }, true],
  [{ Variable: '$.nil', IsPresent: true }, true],
  [{ Variable: '$.no', IsPresent: true }, false],
  [{ Variable: '$.no.deeper', IsPresent: false }, true],
  [{ Variable: '$.n', IsNumeric: true }, true],
  [{ Variable: '$.s', IsNumeric: false }, true],
  [{ Variable: '$.s', IsString: true }, true],
  [{ Variable: '$.list', IsString: true }, false],
  [{ Variable: '$.f', IsBoolean: true }, true],
  [{ Variable: '$.nil', IsBoolean: true }, false],
  [{ Variable: '$.at', IsTimestamp: true }, true],
  [{ Variable: '$.day', IsTimestamp: true }, false],
  [{ Variable: '$.n', IsTimestamp: true }, false],
  [{ Not: { Variable: '$.n', NumericEquals: 5 } }, false],
  [
    {
      And: [
        { Variable: '$.n', NumericEquals: 5 },
        { Variable: '$.t', BooleanEquals: true },
      ],
    },
    true,
  ],
  [
    {
      And: [
        { Variable: '$.n', NumericEquals: 5 },
        { Variable: '$.f', BooleanEquals: true },
      ],
    },
    false,
  ],
  [
    {
      Or: [
        { Variable: '$.n', NumericEquals: 4 },
        { Variable: '$.t', BooleanEquals: true },
      ],
    },
    true,
  ],
  [{ Or: [{ Variable: '$.n', NumericEquals: 4 }, { Not: { Variable: '$.t', BooleanEquals: true } }] }, false],
];
for (const [rule, holds] of rules)
  test(`${JSON.stringify(rule)} is ${holds}`, () => {
    assert.equal(matches(rule, input, context), holds);
    assert.equal(matches(rule, input, context), holds);
  });

test('And and Or stop at the first rule that decides', () => {
  const broken: ChoiceRule = { Variable: '$.no', NumericEquals: 1 };
  assert.equal(matches({ And: [{ Variable: '$.no', IsPresent: true }, broken] }, input, context), false);
  assert.equal(matches({ Or: [{ Variable: '$.no', IsPresent: false }, broken] }, input, context), true);
});

const errors: ChoiceRule[] = [
  { Variable: '$.no', StringEquals: 'x' },
  { Variable: '$.no', IsNull: true },
  { Variable: '$.no', IsString: false },
  { Variable: '$.no', StringMatches: '*' },
  { Variable: '$.s', StringEqualsPath: '$.no' },
  { Not: { Variable: '$.no', NumericEquals: 1 } },
  { Variable: '$.s' },
  { StringEquals: 'x' },
  { Variable: '$.s', BooleanLessThan: true },
];
for (const rule of errors)
  test(`${JSON.stringify(rule)} fails with States.Runtime`, () =>
    assert.throws(() => matches(rule, input, context), { error: 'States.Runtime' }));

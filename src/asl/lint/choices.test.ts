import { choice, end, finds, machine, one } from './testing.ts';

finds([
  ['a Choice without Choices', machine({ Type: 'Choice', Default: 'S1' }, end), 'States.S0', /needs Choices/],
  ['empty Choices', machine({ Type: 'Choice', Choices: [], Default: 'S1' }, end), 'States.S0.Choices', /not empty/],
  ['a rule without Next', choice({ Variable: '$.a', IsNull: true }), 'States.S0.Choices[0]', /needs Next/],
  ['a rule without Variable', one({ IsNull: true }), 'States.S0.Choices[0]', /needs Variable/],
  ['a rule without comparison', one({ Variable: '$.a' }), 'States.S0.Choices[0]', /needs a comparison/],
  [
    'a rule with two comparisons',
    one({ Variable: '$.a', IsNull: true, IsString: true }),
    'States.S0.Choices[0]',
    /only one/,
  ],
  [
    'an unknown comparison',
    one({ Variable: '$.a', IsNull: true, BooleanLessThan: true }),
    'States.S0.Choices[0].BooleanLessThan',
    /unknown field/,
  ],
  [
    'And beside a comparison',
    one({ And: [{ Variable: '$.a', IsNull: true }], Variable: '$.b', IsNull: true }),
    'States.S0.Choices[0]',
    /only one/,
  ],
  [
    'Next within',
    one({ Not: { Variable: '$.a', IsNull: true, Next: 'S1' } }),
    'States.S0.Choices[0].Not.Next',
    /outermost/,
  ],
  [
    'a number for a text',
    one({ Variable: '$.a', StringEquals: 5 }),
    'States.S0.Choices[0].StringEquals',
    /is a string/,
  ],
  [
    'a text for a number',
    one({ And: [{ Variable: '$.a', NumericEquals: '5' }] }),
    'States.S0.Choices[0].And[0].NumericEquals',
    /is a number/,
  ],
  [
    'what is no timestamp',
    one({ Variable: '$.a', TimestampEquals: '2026-01-01' }),
    'States.S0.Choices[0].TimestampEquals',
    /timestamp/,
  ],
  ['what is no path', one({ Variable: '$.a', StringEqualsPath: 'b' }), 'States.S0.Choices[0].StringEqualsPath', /path/],
  [
    'a Default to nowhere',
    machine({ Type: 'Choice', Choices: [{ Variable: '$.a', IsNull: true, Next: 'S1' }], Default: 'S9' }, end),
    'States.S0.Default',
    /no state/,
  ],
]);

import { end, finds, invoke, machine } from './testing.ts';

finds([
  [
    'States.ALL with others',
    machine(invoke({ Retry: [{ ErrorEquals: ['A', 'States.ALL'] }] })),
    'States.S0.Retry[0].ErrorEquals',
    /alone/,
  ],
  [
    'States.ALL before others',
    machine(invoke({ Retry: [{ ErrorEquals: ['States.ALL'] }, { ErrorEquals: ['A'] }] })),
    'States.S0.Retry[0].ErrorEquals',
    /last entry/,
  ],
  [
    'an error twice',
    machine(invoke({ Retry: [{ ErrorEquals: ['A'] }, { ErrorEquals: ['A'] }] })),
    'States.S0.Retry[1].ErrorEquals',
    /entry before/,
  ],
  ['no ErrorEquals', machine(invoke({ Retry: [{ MaxAttempts: 1 }] })), 'States.S0.Retry[0]', /needs ErrorEquals/],
  [
    'an empty ErrorEquals',
    machine(invoke({ Retry: [{ ErrorEquals: [] }] })),
    'States.S0.Retry[0].ErrorEquals',
    /not empty/,
  ],
  [
    'a misspelt error of the language',
    machine(invoke({ Retry: [{ ErrorEquals: ['States.TimeOut'] }] })),
    'States.S0.Retry[0].ErrorEquals',
    /no error of the language/,
  ],
  [
    'States.Runtime',
    machine(invoke({ Retry: [{ ErrorEquals: ['States.Runtime'] }] })),
    'States.S0.Retry[0].ErrorEquals',
    /cannot be taken/,
  ],
  [
    'BackoffRate under 1',
    machine(invoke({ Retry: [{ ErrorEquals: ['A'], BackoffRate: 0.5 }] })),
    'States.S0.Retry[0].BackoffRate',
    /at least 1/,
  ],
  [
    'IntervalSeconds of 0',
    machine(invoke({ Retry: [{ ErrorEquals: ['A'], IntervalSeconds: 0 }] })),
    'States.S0.Retry[0].IntervalSeconds',
    /from 1/,
  ],
  [
    'MaxAttempts under 0',
    machine(invoke({ Retry: [{ ErrorEquals: ['A'], MaxAttempts: -1 }] })),
    'States.S0.Retry[0].MaxAttempts',
    /from 0/,
  ],
  [
    'MaxDelaySeconds not over the interval',
    machine(invoke({ Retry: [{ ErrorEquals: ['A'], IntervalSeconds: 5, MaxDelaySeconds: 5 }] })),
    'States.S0.Retry[0].MaxDelaySeconds',
    /greater than/,
  ],
  [
    'an unknown jitter',
    machine(invoke({ Retry: [{ ErrorEquals: ['A'], JitterStrategy: 'HALF' }] })),
    'States.S0.Retry[0].JitterStrategy',
    /FULL/,
  ],
  ['a Catch without Next', machine(invoke({ Catch: [{ ErrorEquals: ['A'] }] })), 'States.S0.Catch[0]', /needs Next/],
  [
    'a Catch to nowhere',
    machine(invoke({ Catch: [{ ErrorEquals: ['A'], Next: 'S9' }] })),
    'States.S0.Catch[0].Next',
    /no state 'S9'/,
  ],
  ['Retry of a Pass', machine({ ...end, Retry: [] }), 'States.S0.Retry', /unknown field/],
]);

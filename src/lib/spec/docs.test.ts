import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderFields } from './docs.ts';
import { s } from './fields.ts';
import type { Spec } from './spec.ts';
import { walkSpec, wrongExamples } from './walk.ts';

const spec = s.object(
  {
    host: s.text({ doc: 'Host name.', example: 'example.com' }),
    password: s.text({ doc: 'Password.', secret: true, optional: true, example: '${secret:PW}' }),
    limit: s.size({ doc: 'Most bytes.', default: 1.5e9 }),
    wait: s.duration({ doc: 'How long to wait.', default: 5400 }),
    mode: s.choice(['a|b', 'c'], { doc: 'A mode.', default: 'c' }),
    retry: s.object({ times: s.integer({ doc: 'How often.', default: 3 }) }, { doc: 'What to do again.' }),
    paths: s.map(s.object({ sub: s.text({ doc: 'Sub.' }) }, { doc: 'A path.' }), { doc: 'Paths by name.' }),
    steps: s.list(
      s.variants(
        [
          { type: 'wait', title: 'Wait', spec: s.object({ time: s.duration({ doc: 'Time.' }) }, { doc: 'Waits.' }) },
          { type: 'stop', title: 'Stop', spec: s.object({}, { doc: 'Stops.' }) },
        ],
        { doc: 'A step.', example: 'stop' },
      ),
      { doc: 'Steps.', optional: true },
    ),
  },
  { doc: 'A thing.' },
) as Spec<unknown>;

test('a spec is documented as tables of its fields and of the mappings inside', () => {
  assert.equal(
    renderFields(spec, { level: 2 }),
    `| field | type | default | meaning | example |
| --- | --- | --- | --- | --- |
| \`host\` | text | **required** | Host name. | \`example.com\` |
| \`password\` | text |  | Password. A secret: write \`\${secret:NAME}\`. | \`"\${secret:PW}"\` |
| \`limit\` | size | \`1500 MB\` | Most bytes. |  |
| \`wait\` | duration | \`90 min\` | How long to wait. |  |
| \`mode\` | a\\|b \\| c | \`c\` | A mode. |  |
| [\`retry\`](#retry) | mapping |  | What to do again. |  |
| [\`paths\`](#pathsname) | name: mapping | **required** | Paths by name. |  |
| [\`steps\`](#steps-wait-wait) | list of component |  | Steps. |  |

## \`retry\`

What to do again.

| field | type | default | meaning | example |
| --- | --- | --- | --- | --- |
| \`times\` | integer | \`3\` | How often. |  |

## \`paths.<name>\`

A path.

| field | type | default | meaning | example |
| --- | --- | --- | --- | --- |
| \`sub\` | text | **required** | Sub. |  |

## \`steps[] (wait)\` Wait

Waits.

| field | type | default | meaning | example |
| --- | --- | --- | --- | --- |
| \`time\` | duration | **required** | Time. |  |

## \`steps[] (stop)\` Stop

Stops.

It has no settings.
`,
  );
});

test('components that have a page are linked instead of repeated, and headings can be told apart by a prefix', () => {
  const text = renderFields(spec, { level: 3, prefix: 'thing', componentPages: { 'steps[]': 'steps.md' } });
  assert.match(text, /\[`steps`\]\(steps\.md\)/);
  assert.doesNotMatch(text, /Waits\./);
  assert.match(text, /\[`retry`\]\(#thing-retry\)/);
  assert.match(text, /^### thing: `retry`$/m);
});

test('every spec inside a spec is found, with its path', () => {
  assert.deepEqual(
    [...walkSpec(spec)].map((w) => w.path).filter((p) => /^(paths|steps)/.test(p)),
    [
      'paths',
      'paths.<name>',
      'paths.<name>.sub',
      'steps',
      'steps[]',
      'steps[] (wait)',
      'steps[] (wait).time',
      'steps[] (stop)',
    ],
  );
});

test('an example that its own spec refuses is found', () => {
  const bad = s.object(
    {
      port: s.integer({ doc: 'Port.', example: 'x' }),
      step: s.list(s.choice(['a'], { doc: 'Step.' }), { doc: 'Steps.', example: ['b'] }),
      secret: s.integer({ doc: 'Secret.', example: '${secret:N}' }),
    },
    { doc: 'Bad.' },
  );
  assert.deepEqual(wrongExamples(bad as Spec<unknown>), [
    'port: expected a whole number, found "x"',
    'step.0: expected one of a, found "b"',
  ]);
  assert.deepEqual(wrongExamples(spec), []);
});

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { drawMachine } from './draw.ts';
import type { Machine, State } from './types.ts';

for (const name of ['objects', 'nightly'])
  test(`the drawing of ${name} is as it was agreed`, async () => {
    const file = (ending: string) => new URL(`draw/golden/${name}.${ending}`, import.meta.url);
    const found = `${drawMachine(JSON.parse(await readFile(file('json'), 'utf8')) as Machine).join('\n')}\n`;
    if (process.env['UPDATE_GOLDEN']) await writeFile(file('txt'), found);
    assert.equal(found, await readFile(file('txt'), 'utf8'), 'run with UPDATE_GOLDEN=1 when the change is meant');
  });

test('no line is over 100 columns, however deep and long the names', () => {
  let states: Record<string, State> = {
    [`Deep ${'x'.repeat(75)}`]: { Type: 'Wait', SecondsPath: `$.${'y'.repeat(300)}`, End: true },
  };
  for (let i = 0; i < 15; i++)
    states = {
      [`Map ${i}`]: { Type: 'Map', ItemProcessor: { StartAt: Object.keys(states)[0]!, States: states }, End: true },
    };
  const lines = drawMachine({ Comment: 'long '.repeat(60), StartAt: 'Map 14', States: states });
  assert.deepEqual(
    lines.filter((line) => line.length > 100),
    [],
  );
  assert.ok(lines.some((line) => line.includes('Map 14')));
});

test('every state is drawn once, in loops and in ways that never meet too', () => {
  const to = (Next: string) => ({ Variable: '$.a', IsNull: true, Next });
  const states: Record<string, State> = {
    Ask: { Type: 'Choice', Choices: [to('Left'), to('Right')], Default: 'Ask again' },
    Left: { Type: 'Pass', End: true },
    Right: { Type: 'Choice', Choices: [to('Ask'), to('Left')], Default: 'Lost' },
    Lost: { Type: 'Fail' },
    'Ask again': { Type: 'Wait', Seconds: 1, Next: 'Ask' },
    Alone: { Type: 'Succeed' },
  };
  const lines = drawMachine({ StartAt: 'Ask', States: states });
  for (const name of Object.keys(states))
    assert.equal(lines.filter((l) => l.includes(`┌─ ${name} ─`) || /[■✗] (.*):/.exec(l)?.[1] === name).length, 1, name);
  assert.ok(lines.some((line) => line.includes('never reached')));
  assert.ok(lines.some((line) => line.includes('↑ Ask')));
});

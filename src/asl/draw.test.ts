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

test('every state is drawn once, and none that can be reached as if it could not, in machines of any shape', () => {
  let seed = 7;
  const random = (n: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * n);
  };
  for (let round = 0; round < 500; round++) {
    const names = Array.from({ length: 2 + random(9) }, (_, i) => `S${i}`);
    const any = () => names[random(names.length)]!;
    const state = (): State => {
      const kind = random(4);
      if (kind === 0) return { Type: 'Pass', End: true };
      if (kind === 1) return { Type: 'Pass', Next: any() };
      const ways = Array.from({ length: 1 + random(3) }, () => ({ Variable: '$.a', IsNull: true, Next: any() }));
      return { Type: 'Choice', Choices: ways, Default: any() };
    };
    const states = Object.fromEntries(names.map((name) => [name, state()]));
    const reached = new Set(['S0']);
    for (const name of reached) {
      const s = states[name]!;
      if (s.Type === 'Choice') for (const way of [...s.Choices.map((c) => c.Next!), s.Default!]) reached.add(way);
      else if (s.Type === 'Pass' && s.Next !== undefined) reached.add(s.Next);
    }
    const lines = drawMachine({ StartAt: 'S0', States: states });
    const lost = lines.findIndex((l) => l.includes('never reached'));
    for (const name of names) {
      const at = lines.flatMap((l, i) => (l.includes(`┌─ ${name} ─`) ? [i] : []));
      assert.equal(at.length, 1, `${name} in ${JSON.stringify(states)}`);
      assert.equal(lost < 0 || at[0]! < lost, reached.has(name), `${name} in ${JSON.stringify(states)}`);
    }
  }
});

test('the way that goes on runs straight down, and one that skips ahead is a line beside it', () => {
  const lines = drawMachine({
    StartAt: 'Ask',
    States: {
      Ask: { Type: 'Choice', Choices: [{ Variable: '$.ok', BooleanEquals: true, Next: 'Work' }], Default: 'Done' },
      Work: { Type: 'Pass', Next: 'Done' },
      Done: { Type: 'Succeed' },
    },
  });
  assert.ok(lines.includes('    ├─ otherwise  ■ Done: succeeds') || lines.includes('    ├─ otherwise  ↓ Done'));
  assert.ok(lines.includes('    ▼  if $.ok = true'));
  assert.ok(lines.some((line) => line.startsWith('┌─ Work ─')));
});

test('a list of retries that states share is told once, at the end', () => {
  const task = (resource: string): State => ({
    Type: 'Task',
    Resource: resource,
    Retry: [
      { ErrorEquals: ['Busy'], MaxAttempts: 4 },
      { ErrorEquals: ['States.Timeout'], MaxAttempts: 1 },
    ],
    End: true,
  });
  const Alone: State = {
    Type: 'Task',
    Resource: 'x',
    Retry: [
      { ErrorEquals: ['Alone'], MaxAttempts: 2 },
      { ErrorEquals: ['States.Timeout'], MaxAttempts: 1 },
    ],
    Next: 'Both',
  };
  const branch = (name: string) => ({ StartAt: name, States: { [name]: task(name) } });
  const Both: State = { Type: 'Parallel', Branches: [branch('A'), branch('B')], End: true };
  const lines = drawMachine({ StartAt: 'Alone', States: { Alone, Both } });
  assert.equal(lines.filter((line) => line.includes('Busy: 4 times')).length, 1);
  assert.ok(lines.find((line) => line.includes('Busy: 4 times'))?.startsWith('①  '));
  assert.equal(lines.filter((line) => line.includes('retry ①')).length, 2);
  assert.ok(lines.some((line) => line.includes('│ retry    Alone: 2 times')));
});

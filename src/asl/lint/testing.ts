/** Small documents for the tests of the linter, and the check that one has one finding. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lintMachine } from '../lint.ts';

export type Any = Record<string, unknown>;

export const invoke = (more: Any = {}): Any => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Parameters: { FunctionName: 'granary-land', Payload: { 'object.$': '$.object' } },
  End: true,
  ...more,
});
export const machine = (...states: Any[]): Any => ({
  StartAt: 'S0',
  States: Object.fromEntries(states.map((s, i) => [`S${i}`, s])),
});
export const map = (more: Any = {}, config?: Any): Any => ({
  Type: 'Map',
  ItemProcessor: { ...(config ? { ProcessorConfig: config } : {}), StartAt: 'Item', States: { Item: invoke() } },
  End: true,
  ...more,
});
export const distributed = (more: Any = {}) => map(more, { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' });
export const choice = (...rules: Any[]) =>
  machine({ Type: 'Choice', Choices: rules, Default: 'S1' }, { Type: 'Succeed' });
export const one = (rule: Any) => choice({ Next: 'S1', ...rule });
export const end: Any = { Type: 'Pass', End: true };

/** Each has one finding: at that path, with these words. */
export type Finding = [name: string, machine: unknown, path: string, words: RegExp];

export function finds(cases: Finding[]): void {
  for (const [name, document, path, words] of cases)
    test(`${name} is found where it is`, () => {
      const found = lintMachine(document);
      assert.equal(found.length, 1, JSON.stringify(found));
      assert.equal(found[0]!.path, path);
      assert.match(found[0]!.message, words);
    });
}

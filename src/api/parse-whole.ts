/** Settings as a project would give them. */
import assert from 'node:assert/strict';
import type { Issue, Spec } from '../lib/spec/spec.ts';

/** Fails with all problems at once; `what` is the root of their paths. */
export function parseWhole<T>(spec: Spec<T>, value: unknown, what: string): T {
  const issues: Issue[] = [];
  const parsed = spec.parse(value, [], { issues });
  assert.deepEqual(
    issues.map((i) => `${what}: ${i.path.join('.')} ${i.message}`),
    [],
  );
  return parsed as T;
}

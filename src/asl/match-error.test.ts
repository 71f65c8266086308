import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesError } from './match-error.ts';

const cases: [names: string[], error: string, type: string, matches: boolean][] = [
  [['A'], 'A', 'Task', true],
  [['A', 'B'], 'B', 'Task', true],
  [['A'], 'a', 'Task', false],
  [[], 'A', 'Task', false],
  [['States.ALL'], 'Anything', 'Task', true],
  [['States.ALL'], 'States.Timeout', 'Map', true],
  [['States.ALL'], 'States.TaskFailed', 'Parallel', true],
  [['States.ALL'], 'States.Runtime', 'Task', false],
  [['States.ALL'], 'States.DataLimitExceeded', 'Task', false],
  [['States.DataLimitExceeded'], 'States.DataLimitExceeded', 'Task', true],
  [['States.TaskFailed'], 'MyError', 'Task', true],
  [['States.TaskFailed'], 'States.Permissions', 'Task', true],
  [['States.TaskFailed'], 'States.HeartbeatTimeout', 'Task', true],
  [['States.TaskFailed'], 'States.Timeout', 'Task', false],
  [['States.TaskFailed'], 'States.Runtime', 'Task', false],
  [['States.TaskFailed'], 'States.DataLimitExceeded', 'Task', false],
  [['States.TaskFailed'], 'MyError', 'Map', false],
  [['States.TaskFailed'], 'States.TaskFailed', 'Map', true],
  [['States.Timeout'], 'States.Timeout', 'Task', true],
  [['States.Timeout'], 'States.HeartbeatTimeout', 'Task', true],
  [['States.HeartbeatTimeout'], 'States.Timeout', 'Task', false],
  [['States.HeartbeatTimeout'], 'States.HeartbeatTimeout', 'Task', true],
];
for (const [names, error, type, expected] of cases)
  test(`${JSON.stringify(names)} ${expected ? 'takes' : 'does not take'} ${error} of a ${type}`, () =>
    assert.equal(matchesError(names, error, type), expected));

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asGranaryError, GranaryError } from '../../lib/errors.ts';
import { errorLines } from './errors.ts';
import { styleFor } from './style.ts';

const plain = styleFor(false);

test('an error tells what, where, what to do next, and its code', () => {
  const error = new GranaryError('connector.unreachable', 'The server could not be reached.', {
    transient: true,
    where: { file: 'sources/pos.yaml', line: 3, column: 5 },
    hint: 'Check the host.',
  });
  assert.deepEqual(errorLines(error, plain), [
    'error: The server could not be reached.',
    '  at   sources/pos.yaml:3:5',
    '  hint Check the host.',
    '  code connector.unreachable, may succeed when tried again',
  ]);
});

test('a defect says that it is one and how to find it', () => {
  const lines = errorLines(asGranaryError(new TypeError('x is undefined')), plain);
  assert.match(lines.join('\n'), /x is undefined[\s\S]*please report it[\s\S]*code internal/);
});

test('problems of a project stand one on a line, their position first', () => {
  const problem = { file: 'granary.yaml', line: 2, column: 1, message: '"x" is not known here', suggestion: 'y' };
  const error = new GranaryError('config.invalid', 'The project has a problem', { details: { problems: [problem] } });
  assert.deepEqual(errorLines(error, plain), [
    'granary.yaml:2:1  error  "x" is not known here. Did you mean "y"?',
    '',
    '1 problem in the project: nothing was done.',
  ]);
});

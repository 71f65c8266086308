import assert from 'node:assert/strict';
import { test } from 'node:test';
import { styleFor } from './style.ts';
import { tableLines } from './table.ts';

const options = { style: styleFor(false), width: Number.POSITIVE_INFINITY };

test('columns are aligned, numbers on the right', () => {
  const lines = tableLines(
    [{ title: 'name' }, { title: 'rows', align: 'right' }],
    [
      ['a', '1,000'],
      ['longer', '7'],
    ],
    options,
  );
  assert.deepEqual(lines, ['name     rows', 'a       1,000', 'longer      7']);
});

test('a narrow screen cuts the widest flexible column and nothing else', () => {
  const columns = [{ title: 'id' }, { title: 'file', flexible: true }];
  const lines = tableLines(columns, [['0123456789', 'a very long file name.csv']], { ...options, width: 24 });
  assert.deepEqual(lines, ['id          file', '0123456789  a very long…']);
});

test('wide letters and combining marks keep columns straight', () => {
  const lines = tableLines(
    [{ title: 'a' }, { title: 'b' }],
    [
      ['東京', 'x'],
      ['e\u0301', 'x'],
      ['abcd', 'x'],
    ],
    options,
  );
  assert.deepEqual(lines.slice(1), ['東京  x', 'e\u0301     x', 'abcd  x']);
});

test('received text cannot steer the terminal or break the table', () => {
  const [, line] = tableLines([{ title: 'raw' }], [['a\x1b[31mb\nc\u202ed']], options);
  assert.equal(line, 'a�[31mb⏎c�d');
});

test('colours do not count as width', () => {
  const style = styleFor(true);
  const lines = tableLines([{ title: 'a' }, { title: 'b' }], [[{ text: 'x', paint: style.red }, 'y']], {
    ...options,
    style: styleFor(false),
  });
  assert.equal(lines[1], '\x1b[31mx\x1b[39m  y');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { innerName, isWanted, safePath } from './names.ts';

test('an ending is taken off whatever its case, and never the whole name', () => {
  const endings = { '.gz': '', '.tgz': '.tar' };
  assert.equal(innerName('a.csv.GZ', endings), 'a.csv');
  assert.equal(innerName('a.tgz', endings), 'a.tar');
  assert.equal(innerName('a.csv', endings), 'a.csv');
  assert.equal(innerName('.gz', endings), '.gz');
});

test('a safe path comes back in its plain form', () => {
  for (const [path, plain] of [
    ['a.csv', 'a.csv'],
    ['./a//b/./c.csv', 'a/b/c.csv'],
    ['folder/', 'folder/'],
    ['a..b/..c/d...', 'a..b/..c/d...'],
    ['Größe 1.csv', 'Größe 1.csv'],
  ] as const)
    assert.equal(safePath('x.zip', path), plain);
});

test('a path that could escape its folder on any system, or deceive in a log, is refused', () => {
  for (const path of [
    '',
    '/a',
    '../a',
    'a/..',
    'a/../../b',
    '\\a',
    'a\\..\\b',
    'C:a',
    'c:/a',
    'a\0',
    'a\n',
    'a\x1b[2J',
  ])
    assert.throws(() => safePath('x.zip', path), {
      code: 'codec.unsafe_path',
      message: /^"x.zip" holds an unsafe entry/,
    });
});

test('patterns without a slash match names in any folder, others match paths', () => {
  const cases: [string, string, boolean][] = [
    ['a.csv', '*.csv', true],
    ['x/y/a.csv', '*.csv', true],
    ['x/y/a.csv', 'x/*.csv', false],
    ['x/y/a.csv', 'x/**/*.csv', true],
    ['x/a.csv', 'x/**/*.csv', true],
    ['.hidden.csv', '**', true],
    ['a.txt', '*.csv', false],
    ['x/.DS_Store', '**', false],
    ['__MACOSX/x/._a.csv', '*.csv', false],
  ];
  for (const [path, pattern, wanted] of cases) assert.equal(isWanted(path, [pattern]), wanted, `${path} ${pattern}`);
});

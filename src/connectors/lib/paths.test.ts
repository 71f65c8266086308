import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ancestorsOf, isSafePath, joinPath, nameOf, parentOf } from './paths.ts';

describe('paths of a source', () => {
  it('are taken with any letters that name a file below the root', () => {
    for (const path of ['a.csv', 'a b/ü.csv', '..a', 'a..', '...', 'a\\b', '-rf', '~/x'])
      assert.ok(isSafePath(path), path);
  });

  it('are refused when they could lead elsewhere or into a protocol', () => {
    const hostile = ['', '.', '..', '../x', 'a/../b', 'a/..', '/a', 'a/', 'a//b', './a', 'a\0b', 'a\nb', 'a\rDELE b'];
    for (const path of hostile) assert.ok(!isSafePath(path), JSON.stringify(path));
  });

  it('join to a base with one slash', () => {
    assert.deepEqual(
      [joinPath('', 'a'), joinPath('/', 'a'), joinPath('/in', 'a'), joinPath('in/', 'a'), joinPath('/in', '')],
      ['a', '/a', '/in/a', 'in/a', '/in'],
    );
  });

  it('know their name and the folders above them', () => {
    assert.deepEqual([nameOf('a/b/c'), nameOf('c'), parentOf('a/b/c'), parentOf('c')], ['c', 'c', 'a/b', '']);
    assert.deepEqual(ancestorsOf('a/b/c'), ['a', 'a/b']);
    assert.deepEqual(ancestorsOf('c'), []);
  });
});

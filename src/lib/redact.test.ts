import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact, registerSecret } from './redact.ts';

test('registered secrets are blanked out, as they are and as they stand in URLs', () => {
  registerSecret('p@ss/word');
  assert.equal(redact('ftp://u:p%40ss%2Fword@h and p@ss/word'), 'ftp://u:***@h and ***');
});

test('of a secret that contains another nothing is left', () => {
  registerSecret('inner');
  registerSecret('outer-inner-outer');
  assert.equal(redact('outer-inner-outer, inner'), '***, ***');
});

test('very short values are not blanked out of ordinary text', () => {
  registerSecret('abc');
  assert.equal(redact('abc'), 'abc');
});

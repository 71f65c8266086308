import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import test from 'node:test';
import { Utf8Check } from './utf8.ts';

function check(bytes: Buffer, size: number): boolean {
  const utf8 = new Utf8Check();
  for (let p = 0; p < bytes.length; p += size) utf8.push(bytes.subarray(p, p + size));
  return utf8.finish();
}

test('text cut into chunks anywhere is as valid as in one piece', () => {
  const texts = ['', 'plain', 'Zoë', '€uro', '𝄞 clef', 'aë€𝄞z'].map((t) => Buffer.from(t));
  const broken = [
    '\xff',
    'a\xc3',
    '\xc3a',
    '\xe2\x82',
    '\xe2\x82a',
    '\x80',
    '\xf0\x9d\x84',
    '\xc0\x80',
    '\xed\xa0\x80',
    'ok\xf8\x88',
  ];
  for (const bytes of [...texts, ...broken.map((t) => Buffer.from(t, 'latin1'))])
    for (const size of [1, 2, 3, 4, 5, 100])
      assert.equal(check(bytes, size), isUtf8(bytes), `${bytes.toString('hex')} in chunks of ${size}`);
});

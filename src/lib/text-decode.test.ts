import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GranaryError } from './errors.ts';
import { decodeText, needsDecoding, sniffEncoding, type TextEncoding } from './text-decode.ts';

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

async function decoded(bytes: Uint8Array, encoding: TextEncoding, size = 3): Promise<string> {
  const out: Uint8Array[] = [];
  for await (const chunk of decodeText(pieces(bytes, size), encoding)) out.push(Uint8Array.from(chunk));
  return Buffer.concat(out).toString('utf8');
}

const TEXT = 'naïve café – „Größe“ 5 €; 日本語 🎉\r\n';
const le = (text: string) => Buffer.from(text, 'utf16le');
const be = (text: string) => le(text).swap16();

test('a byte order mark is removed and decides the encoding, whatever the size of the chunks', async () => {
  for (const size of [1, 2, 3, 5, 1000]) {
    assert.equal(await decoded(Buffer.from(`\ufeff${TEXT}`), 'auto', size), TEXT);
    assert.equal(await decoded(Buffer.from(`\ufeff${TEXT}`), 'utf-8', size), TEXT);
    assert.equal(await decoded(le(`\ufeff${TEXT}`), 'auto', size), TEXT);
    assert.equal(await decoded(be(`\ufeff${TEXT}`), 'auto', size), TEXT);
    assert.equal(await decoded(be(`\ufeff${TEXT}`), 'utf-16', size), TEXT);
    assert.equal(await decoded(le(`\ufeff${TEXT}`), 'utf-8', size), TEXT);
    assert.equal(await decoded(Buffer.from(`\ufeff${TEXT}`), 'windows-1252', size), TEXT);
  }
});

test('UTF-16 without a mark is read in the order that was said, or that the zero bytes show', async () => {
  assert.equal(await decoded(le(TEXT), 'utf-16le', 1), TEXT);
  assert.equal(await decoded(be(TEXT), 'utf-16be', 1), TEXT);
  assert.equal(await decoded(be('id;name\n'), 'utf-16'), 'id;name\n');
  assert.equal(await decoded(le('id;name\n'), 'utf-16'), 'id;name\n');
});

test('every byte of windows-1252 and latin-1 becomes the character that the standard gives it', async () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.equal(await decoded(all, 'windows-1252', 7), new TextDecoder('windows-1252').decode(all));
  assert.equal(await decoded(all, 'latin-1', 7), Buffer.from(all).toString('latin1'));
});

test('UTF-8 is handed on without a copy, and an empty stream stays empty', async () => {
  const chunk = Buffer.from('abcdef');
  for await (const out of decodeText(pieces(chunk, 100), 'utf-8')) assert.equal(out.buffer, chunk.buffer);
  for (const encoding of ['auto', 'utf-8', 'utf-16', 'latin-1'] as const)
    assert.equal(await decoded(new Uint8Array(), encoding), '');
});

test('UTF-16 that is cut or broken is an error that says where', async () => {
  for (const bad of [le('abc').subarray(0, 5), Buffer.concat([le('ab'), Buffer.from([0x00, 0xd8]), le('c')])])
    await assert.rejects(decoded(bad, 'utf-16le', 2), (e) => {
      assert.ok(e instanceof GranaryError);
      assert.equal(e.code, 'format.encoding');
      assert.match(e.message, /near byte \d/);
      return !e.transient;
    });
});

test('stopping early closes the source', async () => {
  let closed = false;
  async function* source() {
    try {
      for (;;) yield Buffer.from('x'.repeat(100));
    } finally {
      closed = true;
    }
  }
  for await (const _ of decodeText(source(), 'windows-1252')) break;
  assert.equal(closed, true);
});

test('sniffing tells the encodings apart, also when the sample ends within a character', () => {
  assert.equal(sniffEncoding(Buffer.from('plain')), 'utf-8');
  assert.equal(sniffEncoding(Buffer.from('café').subarray(0, 4)), 'utf-8');
  assert.equal(sniffEncoding(Buffer.from('caf\xe9 au lait', 'latin1')), 'windows-1252');
  assert.equal(sniffEncoding(le('id;name')), 'utf-16le');
  assert.equal(sniffEncoding(be('\ufeff日本')), 'utf-16be');
  assert.equal(sniffEncoding(new Uint8Array()), 'utf-8');
});

test('only text that would come out as it went in needs no decoding', () => {
  assert.equal(needsDecoding('auto', Buffer.from('id;n')), false);
  assert.equal(needsDecoding('utf-8', Buffer.from('')), false);
  assert.equal(needsDecoding('utf-8', Buffer.from('\ufeffid')), true);
  assert.equal(needsDecoding('auto', le('\ufeffid')), true);
  assert.equal(needsDecoding('utf-8', be('\ufeffid')), true);
  assert.equal(needsDecoding('latin-1', Buffer.from('id')), true);
});

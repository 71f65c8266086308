/** Text of the encodings that files come in, as UTF-8 without a byte order mark: streaming, whatever the size. */
import { isAscii } from 'node:buffer';
import { GranaryError } from './errors.ts';

export const TEXT_ENCODINGS = ['auto', 'utf-8', 'utf-16', 'utf-16le', 'utf-16be', 'latin-1', 'windows-1252'] as const;
export type TextEncoding = (typeof TEXT_ENCODINGS)[number];

const UTF8_BOM = [0xef, 0xbb, 0xbf];

/**
 * A byte order mark wins over `encoding`. Without one `auto` is UTF-8, and `utf-16` goes by where the zero bytes are.
 * UTF-8 is handed on as it is, without a copy and without a check: whoever parses it reports bad bytes by line.
 * Throws `format.encoding` for UTF-16 that is cut within a character or has half a surrogate pair.
 */
export async function* decodeText(
  source: AsyncIterable<Uint8Array>,
  encoding: TextEncoding,
): AsyncGenerator<Uint8Array> {
  const { head, rest } = await takeHead(source, 4);
  const actual = byMark(head) ?? withoutMarkAs(encoding, head);
  const body = withoutMark(rest, head, actual);
  if (actual === 'utf-8') yield* body;
  else if (actual === 'utf-16le' || actual === 'utf-16be') yield* utf16(body, actual);
  else yield* singleByte(body, actual);
}

/** False when `decodeText` would hand on the very same bytes. `head`: the first bytes of the text, at least 3 if it has so many. */
export function needsDecoding(encoding: TextEncoding, head: Uint8Array): boolean {
  return (encoding !== 'auto' && encoding !== 'utf-8') || byMark(head) !== undefined;
}

/** The encoding that a sample from the start of a file is most likely in. Never `auto` or `utf-16`. */
export function sniffEncoding(sample: Uint8Array): Exclude<TextEncoding, 'auto' | 'utf-16'> {
  const known = byMark(sample) ?? zeroByteOrder(sample);
  if (known) return known;
  // A sample may end within a character: `stream` lets that pass.
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(sample, { stream: true });
    return 'utf-8';
  } catch {
    return 'windows-1252';
  }
}

function byMark(head: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' | undefined {
  if (startsWith(head, UTF8_BOM)) return 'utf-8';
  if (startsWith(head, [0xff, 0xfe])) return 'utf-16le';
  return startsWith(head, [0xfe, 0xff]) ? 'utf-16be' : undefined;
}

function withoutMarkAs(encoding: TextEncoding, head: Uint8Array): Exclude<TextEncoding, 'auto' | 'utf-16'> {
  if (encoding === 'auto') return 'utf-8';
  return encoding === 'utf-16' ? (zeroByteOrder(head) ?? 'utf-16le') : encoding;
}

/** Latin text in UTF-16 has a zero in every other byte; text in other encodings has none. */
function zeroByteOrder(sample: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  const pairs = Math.floor(Math.min(sample.length, 2000) / 2);
  let even = 0;
  let odd = 0;
  for (let i = 0; i < pairs; i++) {
    if (sample[2 * i] === 0) even++;
    if (sample[2 * i + 1] === 0) odd++;
  }
  if (odd > pairs * 0.4 && even < pairs * 0.1) return 'utf-16le';
  if (even > pairs * 0.4 && odd < pairs * 0.1) return 'utf-16be';
  return undefined;
}

const startsWith = (bytes: Uint8Array, mark: number[]) => mark.every((b, i) => bytes[i] === b);

/** The first bytes of a stream (fewer than `n` only when it ends), and a stream that still has them. */
async function takeHead(
  source: AsyncIterable<Uint8Array>,
  n: number,
): Promise<{ head: Uint8Array; rest: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const seen: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < n) {
    const next = await iterator.next();
    if (next.done) break;
    // Copied when more must follow: a source may reuse its buffer once it is asked again.
    seen.push(next.value.length < n ? Uint8Array.from(next.value) : next.value);
    bytes += next.value.length;
  }
  async function* rest() {
    try {
      yield* seen;
      for (;;) {
        const next = await iterator.next();
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { head: seen.length === 1 ? seen[0]! : Buffer.concat(seen), rest: rest() };
}

async function* withoutMark(
  source: AsyncIterable<Uint8Array>,
  head: Uint8Array,
  encoding: TextEncoding,
): AsyncGenerator<Uint8Array> {
  const marks: Partial<Record<TextEncoding, number[]>> = {
    'utf-8': UTF8_BOM,
    'utf-16le': [0xff, 0xfe],
    'utf-16be': [0xfe, 0xff],
  };
  const mark = marks[encoding];
  let skip = mark && startsWith(head, mark) ? mark.length : 0;
  for await (const chunk of source) {
    const skipped = Math.min(skip, chunk.length);
    skip -= skipped;
    if (chunk.length > skipped) yield skipped > 0 ? chunk.subarray(skipped) : chunk;
  }
}

/** Decoded pieces are at most this long, so that a decoded chunk of any size takes bounded memory. */
const PIECE_BYTES = 2 ** 18;

async function* utf16(source: AsyncIterable<Uint8Array>, order: 'utf-16le' | 'utf-16be'): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder(order, { fatal: true, ignoreBOM: true });
  let position = 0;
  const decode = (piece?: Uint8Array) => {
    try {
      return Buffer.from(piece ? decoder.decode(piece, { stream: true }) : decoder.decode(), 'utf8');
    } catch (e) {
      throw new GranaryError('format.encoding', `The text is not valid ${order.toUpperCase()} near byte ${position}.`, {
        hint: 'Check that the transfer was binary and complete, or set the right `encoding`.',
        cause: e,
      });
    }
  };
  for await (const chunk of source) {
    for (let i = 0; i < chunk.length; i += PIECE_BYTES) {
      const text = decode(chunk.subarray(i, i + PIECE_BYTES));
      position += Math.min(PIECE_BYTES, chunk.length - i);
      if (text.length > 0) yield text;
    }
  }
  const last = decode();
  if (last.length > 0) yield last;
}

/** Characters of windows-1252's bytes 0x80 to 0x9f; the five that it leaves undefined are control characters, as in browsers. */
const WINDOWS_1252_UPPER =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f' +
  '\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178';

async function* singleByte(
  source: AsyncIterable<Uint8Array>,
  encoding: 'latin-1' | 'windows-1252',
): AsyncGenerator<Uint8Array> {
  const table = utf8Table(encoding === 'windows-1252' ? WINDOWS_1252_UPPER : '');
  for await (const chunk of source) {
    if (isAscii(chunk)) yield chunk;
    else for (let i = 0; i < chunk.length; i += PIECE_BYTES) yield transcode(chunk.subarray(i, i + PIECE_BYTES), table);
  }
}

/** UTF-8 of the bytes 0x80 to 0xff, packed as `length << 24 | third << 16 | second << 8 | first`; `upper` stands for those from 0x80 on. */
function utf8Table(upper: string): Uint32Array {
  return Uint32Array.from({ length: 128 }, (_, i) => {
    const [first = 0, second = 0, third = 0, ...none] = Buffer.from(upper[i] ?? String.fromCharCode(0x80 + i), 'utf8');
    if (none.length > 0) throw new RangeError('a character of more than three bytes');
    return ((third ? 3 : 2) << 24) | (third << 16) | (second << 8) | first;
  });
}

function transcode(bytes: Uint8Array, table: Uint32Array): Uint8Array {
  const out = Buffer.allocUnsafe(bytes.length * 3);
  let o = 0;
  for (let i = 0; i < bytes.length; i++) {
    const b = bytes[i]!;
    if (b < 0x80) {
      out[o++] = b;
      continue;
    }
    const packed = table[b - 0x80]!;
    out[o++] = packed & 0xff;
    out[o++] = (packed >>> 8) & 0xff;
    if (packed >>> 24 === 3) out[o++] = (packed >>> 16) & 0xff;
  }
  return out.subarray(0, o);
}

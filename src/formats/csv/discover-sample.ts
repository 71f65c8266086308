/** The part of a payload that discovery looks at, as plain UTF-8, and the encoding it is in. */
import { isUtf8 } from 'node:buffer';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { decodeText, needsDecoding, sniffEncoding } from '../../lib/text-decode.ts';
import type { DiscoverInput } from '../../ports/format.ts';
import { lineBlocks } from '../lib/lines.ts';
import type { CsvConfig } from './config.ts';
import { type Dialect, type SampleRecord, splitRecords } from './discover-dialect.ts';

export type Encoding = CsvConfig['encoding'];

const SNIFF_BYTES = 256 * 1024;
const TAIL_BYTES = 16 * 1024;
/** Even, so that UTF-16 is not cut within a character. */
const SAMPLE_BYTES = 16 * 2 ** 20;
const LAST_RECORDS = 5;

/** Undefined for UTF-8, and for what says with a byte order mark what it is. */
export async function discoverEncoding(
  { path, config, whole }: DiscoverInput<CsvConfig>,
  notes: string[],
): Promise<Encoding | undefined> {
  if (config.encoding) return config.encoding;
  const head = await readRange(path, 0, SNIFF_BYTES);
  if (needsDecoding('utf-8', head)) return undefined;
  const found = sniffEncoding(head);
  if (found === 'utf-16le' || found === 'utf-16be') return 'utf-16';
  if (found === 'utf-8' && (await isUtf8Until(path, whole ? Number.POSITIVE_INFINITY : SAMPLE_BYTES))) return undefined;
  notes.push('It is not valid UTF-8 and was read as windows-1252, which any bytes can be: check letters with accents.');
  return 'windows-1252';
}

/** A character is never cut: blocks end with a line. */
async function isUtf8Until(path: string, bytes: number): Promise<boolean> {
  let seen = 0;
  for await (const block of lineBlocks(path)) {
    if (!block.tooLong && !isUtf8(block.bytes)) return false;
    seen += block.bytes.length;
    if (seen >= bytes) break;
  }
  return true;
}

export interface Sample {
  path: string;
  /** It is all of the payload. */
  complete: boolean;
}

/** A file of plain UTF-8 with the payload, or its beginning up to the end of a line. */
export async function plainSample(
  input: DiscoverInput<CsvConfig>,
  encoding: Encoding,
  scratch: string,
): Promise<Sample> {
  const { size } = await stat(input.path);
  const complete = input.whole || size <= SAMPLE_BYTES;
  if (complete && !needsDecoding(encoding, await readRange(input.path, 0, 4))) return { path: input.path, complete };
  const path = join(scratch, 'plain');
  const source = createReadStream(input.path, complete ? {} : { end: SAMPLE_BYTES - 1 });
  await pipeline(Readable.from(decodeText(source, encoding)), createWriteStream(path));
  if (!complete) await truncate(path, await afterLastLine(path));
  return { path, complete };
}

async function afterLastLine(path: string): Promise<number> {
  const { size } = await stat(path);
  const from = Math.max(0, size - 2 ** 20);
  const end = (await readRange(path, from, size - from)).lastIndexOf(0x0a);
  return end < 0 ? size : from + end + 1;
}

async function readRange(path: string, from: number, bytes: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The first lines; the last one is whole unless it is longer than all that is looked at. */
export async function beginning(path: string): Promise<string> {
  const head = await readRange(path, 0, SNIFF_BYTES);
  const end = head.length < SNIFF_BYTES ? head.length : head.lastIndexOf(0x0a) + 1;
  return head.toString('utf8', 0, end || head.length);
}

/** The last records of a payload, of which `encoding` is known. */
export async function ending(path: string, encoding: Encoding, { delimiter, quote }: Dialect): Promise<SampleRecord[]> {
  const { size } = await stat(path);
  const from = Math.max(0, size - TAIL_BYTES);
  const tail = await readRange(path, from - (from % 2), TAIL_BYTES + 1);
  const unicode = encoding === 'utf-8' || encoding === 'utf-16';
  const actual = unicode ? sniffEncoding(await readRange(path, 0, SNIFF_BYTES)) : encoding;
  const pieces: Uint8Array[] = [];
  for await (const piece of decodeText(Readable.from([tail]), actual)) pieces.push(piece);
  const text = Buffer.concat(pieces).toString('utf8');
  const lines = from > 0 ? text.slice(text.indexOf('\n') + 1) : text;
  return splitRecords(lines, delimiter, quote, Number.POSITIVE_INFINITY).slice(-LAST_RECORDS);
}

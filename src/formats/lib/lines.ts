/** Reads the lines of a file in blocks: bounded memory, whatever the file, and no copy of a line. */
import { chunksOf } from './chunks.ts';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Records longer than this are rejected as `too_long`: nobody's row is that big, and a file without line ends must not fill memory. */
export const MAX_RECORD_BYTES = 16 * 2 ** 20;

/** How much of a record that is too long is kept as its raw text. */
export const TOO_LONG_KEPT_BYTES = 64 * 1024;

export interface LineBlock {
  /** Whole lines with their ends; the last line of a file may lack its end. Valid until the next block is asked for. */
  bytes: Buffer;
  /** Number of the first line in it; lines count from 1. */
  firstLine: number;
  /** The block is one line that is too long, of which these are the first bytes. */
  tooLong: boolean;
}

export interface Line {
  /** 1-based physical line. */
  number: number;
  /** Where it is in the block's bytes, without its line end (LF or CRLF). */
  start: number;
  end: number;
}

/** The lines of a file, in order. Errors of reading are thrown as they come. */
export async function* lineBlocks(path: string, signal?: AbortSignal): AsyncGenerator<LineBlock> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let firstLine = 1;
  let skipping = false;
  const take = (last?: Buffer) => {
    const bytes = held.length === 0 && last ? last : Buffer.concat(last ? [...held, last] : held);
    held = [];
    heldBytes = 0;
    return bytes;
  };
  for await (const piece of chunksOf(path, signal)) {
    let chunk = piece;
    if (skipping) {
      const end = chunk.indexOf(NEWLINE);
      if (end < 0) continue;
      skipping = false;
      chunk = chunk.subarray(end + 1);
    }
    const firstEnd = chunk.indexOf(NEWLINE);
    if (firstEnd >= 0 && heldBytes + firstEnd > MAX_RECORD_BYTES) {
      yield { bytes: take(chunk.subarray(0, firstEnd)).subarray(0, TOO_LONG_KEPT_BYTES), firstLine, tooLong: true };
      firstLine++;
      chunk = chunk.subarray(firstEnd + 1);
    }
    const lastEnd = chunk.lastIndexOf(NEWLINE);
    if (lastEnd >= 0) {
      const bytes = take(chunk.subarray(0, lastEnd + 1));
      yield { bytes, firstLine, tooLong: false };
      firstLine += countNewlines(bytes);
      chunk = chunk.subarray(lastEnd + 1);
    }
    if (chunk.length > 0) held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes > MAX_RECORD_BYTES) {
      yield { bytes: take().subarray(0, TOO_LONG_KEPT_BYTES), firstLine, tooLong: true };
      firstLine++;
      skipping = true;
    }
  }
  if (heldBytes > 0) yield { bytes: take(), firstLine, tooLong: false };
}

/** The lines of a block. The object is reused: take what is needed before asking for the next. */
export function* linesOf(block: LineBlock): Generator<Line> {
  const { bytes } = block;
  const line: Line = { number: block.firstLine, start: 0, end: 0 };
  while (line.start < bytes.length) {
    const found = bytes.indexOf(NEWLINE, line.start);
    const next = found < 0 ? bytes.length : found + 1;
    line.end = found < 0 ? bytes.length : found;
    if (line.end > line.start && bytes[line.end - 1] === CARRIAGE_RETURN) line.end--;
    yield line;
    line.start = next;
    line.number++;
  }
}

/** Nothing in it but blanks, tabs and carriage returns. */
export function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const b = bytes[i]!;
    if (b !== 0x20 && b !== 0x09 && b !== CARRIAGE_RETURN) return false;
  }
  return true;
}

/** Raw text of physical lines, for `Settlement.rawText`. `lines` ascending. */
export async function* rawLines(
  path: string,
  lines: number[],
): AsyncGenerator<{ line: number; raw: string | undefined }> {
  let next = 0;
  if (lines.length === 0) return;
  for await (const block of lineBlocks(path)) {
    for (const { number, start, end } of linesOf(block)) {
      while (lines[next] === number) {
        yield { line: number, raw: printable(block.bytes.subarray(start, end)) };
        next++;
      }
      if (next === lines.length) return;
    }
  }
  for (; next < lines.length; next++) yield { line: lines[next]!, raw: undefined };
}

/** Bytes as text; where they are not UTF-8, everything beyond ASCII as `\xNN`. */
export function printable(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      .toString('latin1')
      .replace(/[\x80-\xff]/g, (c) => `\\x${c.charCodeAt(0).toString(16).toUpperCase()}`);
  }
}

function countNewlines(bytes: Buffer): number {
  let n = 0;
  for (let i = bytes.indexOf(NEWLINE); i >= 0; i = bytes.indexOf(NEWLINE, i + 1)) n++;
  return n;
}

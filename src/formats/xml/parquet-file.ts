/** A Parquet file of texts for the engine, in the plainest layout there is: a page is a row group, nothing is compressed. */
import { closeSync, openSync, writeSync, writevSync } from 'node:fs';
import { fileWriteError } from '../lib/row-writer.ts';
import type { Page } from './row-page.ts';
import { CompactWriter, THRIFT } from './thrift-writer.ts';

const MAGIC = Buffer.from('PAR1');
const INT32 = 1;
const BYTE_ARRAY = 6;
const UTF8 = 0;
const REQUIRED = 0;
const OPTIONAL = 1;
const PLAIN = 0;
const RLE = 3;
const RLE_DICTIONARY = 8;
const UNCOMPRESSED = 0;
const ALL_PRESENT = Buffer.alloc(2048, 0xff);

interface Chunk {
  offset: number;
  bytes: number;
  /** Of these, those of the dictionary; 0 for none. */
  dictionary: number;
}

interface RowGroup {
  rows: number;
  chunks: Chunk[];
}

/** Columns `c0`, `c1`… are texts or missing; `_line` and `_record` are whole numbers. */
export class ParquetFile {
  readonly path: string;
  rows = 0;
  bytes = 0;
  readonly #fd: number;
  readonly #names: string[];
  readonly #columns: number;
  readonly #groups: RowGroup[] = [];
  readonly #thrift = new CompactWriter();

  /** `columns`: texts in a row. */
  constructor(path: string, columns: number) {
    this.path = path;
    this.#columns = columns;
    this.#names = [...Array.from({ length: columns }, (_, c) => `c${c}`), '_line', '_record'];
    this.#fd = openSync(path, 'wx');
    this.#write([MAGIC]);
  }

  write(page: Page): void {
    const { rows, runs } = page;
    const buffers: Uint8Array[] = [];
    const chunks: Chunk[] = [];
    let offset = this.bytes;
    const add = (parts: Uint8Array[], dictionary?: { values: number; bytes: Uint8Array }) => {
      const pages: Uint8Array[] = [];
      if (dictionary) pages.push(this.#dictionaryHeader(dictionary.values, dictionary.bytes.length), dictionary.bytes);
      const dictionaryBytes = sizeOf(pages);
      pages.push(this.#pageHeader(rows, sizeOf(parts), dictionary ? RLE_DICTIONARY : PLAIN), ...parts);
      const bytes = sizeOf(pages);
      chunks.push({ offset, bytes, dictionary: dictionaryBytes });
      buffers.push(...pages);
      offset += bytes;
    };
    for (let c = 0; c < this.#columns; c++) {
      const outer = page.outer(c);
      if (!outer) add([levelsOf(page.bits(c), rows), page.values(c)]);
      else {
        const { levels, indices, values } = runsOf(outer.present, runs);
        add([levels, indices], values > 0 ? { values, bytes: outer.values } : undefined);
      }
    }
    for (const numbers of [page.lines, page.ordinals])
      add([new Uint8Array(numbers.buffer, numbers.byteOffset, 4 * rows)]);
    this.#groups.push({ rows, chunks });
    this.rows += rows;
    this.#write(buffers);
  }

  close(): void {
    try {
      const footer = this.#footer();
      const size = Buffer.allocUnsafe(4);
      size.writeUInt32LE(footer.length);
      this.#write([footer, size, MAGIC]);
    } finally {
      closeSync(this.#fd);
    }
  }

  /** Closes it without its end: it is no file that can be read. */
  abandon(): void {
    closeSync(this.#fd);
  }

  #dictionaryHeader(values: number, size: number): Buffer {
    const t = this.#thrift;
    t.integer(1, 2);
    t.integer(2, size);
    t.integer(3, size);
    t.struct(7, () => {
      t.integer(1, values);
      t.integer(2, PLAIN);
    });
    t.end();
    return t.take();
  }

  #pageHeader(rows: number, size: number, encoding: number): Buffer {
    const t = this.#thrift;
    t.integer(1, 0);
    t.integer(2, size);
    t.integer(3, size);
    t.struct(5, () => {
      t.integer(1, rows);
      t.integer(2, encoding);
      t.integer(3, RLE);
      t.integer(4, RLE);
    });
    t.end();
    return t.take();
  }

  #footer(): Buffer {
    const t = this.#thrift;
    const isText = (c: number) => c < this.#columns;
    t.integer(1, 1);
    t.list(2, THRIFT.struct, this.#names.length + 1);
    t.struct(undefined, () => {
      t.text(4, 'rows');
      t.integer(5, this.#names.length);
    });
    for (const [c, name] of this.#names.entries())
      t.struct(undefined, () => {
        t.integer(1, isText(c) ? BYTE_ARRAY : INT32);
        t.integer(3, isText(c) ? OPTIONAL : REQUIRED);
        t.text(4, name);
        if (isText(c)) t.integer(6, UTF8);
      });
    t.integer(3, this.rows, THRIFT.i64);
    t.list(4, THRIFT.struct, this.#groups.length);
    for (const { rows, chunks } of this.#groups)
      t.struct(undefined, () => {
        t.list(1, THRIFT.struct, chunks.length);
        for (const [c, { offset, bytes, dictionary }] of chunks.entries())
          t.struct(undefined, () => {
            t.integer(2, offset, THRIFT.i64);
            t.struct(3, () => {
              t.integer(1, isText(c) ? BYTE_ARRAY : INT32);
              t.list(2, THRIFT.i32, 3);
              for (const encoding of [PLAIN, RLE, RLE_DICTIONARY]) t.integerElement(encoding);
              t.list(3, THRIFT.binary, 1);
              t.textElement(this.#names[c]!);
              t.integer(4, UNCOMPRESSED);
              t.integer(5, rows, THRIFT.i64);
              t.integer(6, bytes, THRIFT.i64);
              t.integer(7, bytes, THRIFT.i64);
              t.integer(9, offset + dictionary, THRIFT.i64);
              if (dictionary > 0) t.integer(11, offset, THRIFT.i64);
            });
          });
        t.integer(
          2,
          chunks.reduce((sum, c) => sum + c.bytes, 0),
          THRIFT.i64,
        );
        t.integer(3, rows, THRIFT.i64);
      });
    t.end();
    return t.take();
  }

  #write(buffers: readonly Uint8Array[]): void {
    this.bytes += sizeOf(buffers);
    try {
      // A system call takes so many buffers at most.
      for (let from = 0; from < buffers.length; from += MOST_BUFFERS)
        writeAll(this.#fd, buffers.slice(from, from + MOST_BUFFERS));
    } catch (e) {
      throw fileWriteError(e, this.path);
    }
  }
}

const MOST_BUFFERS = 512;

function writeAll(fd: number, buffers: readonly Uint8Array[]): void {
  let done = writevSync(fd, buffers);
  for (const buffer of buffers) {
    for (let at = Math.min(done, buffer.length); at < buffer.length; ) at += writeSync(fd, buffer, at);
    done = Math.max(0, done - buffer.length);
  }
}

function sizeOf(buffers: readonly Uint8Array[]): number {
  let size = 0;
  for (const b of buffers) size += b.length;
  return size;
}

/** Which of the rows have a value, as the levels of a page: one run. */
function levelsOf(bits: Uint8Array, rows: number): Buffer {
  const whole = rows >> 3;
  const rest = (1 << (rows & 7)) - 1;
  const isFull = (rest === 0 || (bits[whole]! & rest) === rest) && ALL_PRESENT.compare(bits, 0, whole, 0, whole) === 0;
  const size = (rows + 7) >> 3;
  const out = Buffer.allocUnsafe(4 + 5 + (isFull ? 1 : size));
  let at = 4;
  for (let head = isFull ? rows << 1 : (size << 1) | 1; ; head >>>= 7) {
    out[at++] = head < 128 ? head : (head & 127) | 128;
    if (head < 128) break;
  }
  if (isFull) out[at++] = 1;
  else {
    out.set(bits.subarray(0, size), at);
    at += size;
  }
  out.writeUInt32LE(at - 4);
  return out.subarray(0, at);
}

/** Which rows have a value, and which one of the dictionary, by runs of rows. */
function runsOf(present: Uint8Array, runs: Int32Array): { levels: Buffer; indices: Buffer; values: number } {
  let values = 0;
  for (let r = 0; r < runs.length; r++) values += present[r]!;
  const width = Math.max(1, 32 - Math.clz32(Math.max(0, values - 1)));
  const indexBytes = (width + 7) >> 3;
  // The head of a run has three bytes at most.
  const levels = Buffer.allocUnsafe(4 + 4 * runs.length);
  const indices = Buffer.allocUnsafe(1 + (3 + indexBytes) * values);
  indices[0] = width;
  let level = 4;
  let at = 1;
  let index = 0;
  for (let r = 0; r < runs.length; ) {
    const has = present[r]!;
    let alike = 0;
    for (; r < runs.length && present[r] === has; r++) {
      const rows = runs[r]!;
      alike += rows;
      if (has === 0) continue;
      at = writeHead(indices, at, rows);
      for (let shift = 0; shift < 8 * indexBytes; shift += 8) indices[at++] = index >>> shift;
      index++;
    }
    level = writeHead(levels, level, alike);
    levels[level++] = has;
  }
  levels.writeUInt32LE(level - 4);
  return { levels: levels.subarray(0, level), indices: indices.subarray(0, values > 0 ? at : 0), values };
}

/** The head of a run of so many of the same. */
function writeHead(to: Buffer, from: number, rows: number): number {
  let at = from;
  for (let head = rows << 1; ; head >>>= 7) {
    to[at++] = head < 128 ? head : (head & 127) | 128;
    if (head < 128) return at;
  }
}

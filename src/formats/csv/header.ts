/** The first lines of a file: where its records begin, and the names of its columns. */
import { type FileHandle, open } from 'node:fs/promises';
import { GranaryError } from '../../lib/errors.ts';
import type { HeaderInput } from '../../ports/format.ts';
import { type CsvConfig, MAX_COLUMNS, scanDialect } from './config.ts';
import { RecordReader } from './record-reader.ts';
import { fieldBytes } from './values.ts';

/** Skips a number of physical lines of a stream of chunks. */
export class LineSkipper {
  offset = 0;
  #left: number;
  #afterCr = false;

  constructor(lines: number) {
    this.#left = lines;
  }

  /** What is left of a chunk after the skipped lines; empty while they last. */
  feed(chunk: Uint8Array): Uint8Array {
    let p = 0;
    for (; p < chunk.length && (this.#left > 0 || this.#afterCr); p++) {
      const b = chunk[p];
      if (this.#afterCr && b !== 10) {
        this.#afterCr = false;
        if (this.#left === 0) break;
      }
      if (b === 10 && !this.#afterCr) this.#left--;
      if (b === 13) this.#left--;
      this.#afterCr = b === 13;
    }
    this.offset += p;
    return chunk.subarray(p);
  }
}

/** Byte and line after the lines that `skip_lines` skips. */
export async function recordsStart(file: FileHandle, config: CsvConfig): Promise<{ offset: number; line: number }> {
  const skipper = new LineSkipper(config.skip_lines);
  const chunk = Buffer.alloc(65_536);
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, skipper.offset);
    const rest = skipper.feed(chunk.subarray(0, bytesRead));
    if (rest.length > 0 || bytesRead === 0) return { offset: skipper.offset, line: config.skip_lines + 1 };
  }
}

/**
 * Names of the columns in order, unique; undefined when the file has no header. Errors: `format.too_many_columns`; `format.invalid` when the first
 * record cannot be read as a header.
 */
export async function readHeader(input: HeaderInput<CsvConfig>): Promise<string[] | undefined> {
  const { config } = input;
  if (!config.header) return undefined;
  const file = await open(input.path);
  try {
    const first = await firstRecord(file, config);
    return first && columnNames(first);
  } finally {
    await file.close();
  }
}

async function firstRecord(file: FileHandle, config: CsvConfig): Promise<string[] | undefined> {
  const dialect = scanDialect(config);
  const reader = new RecordReader(
    file,
    { dialect, multiline: config.multiline, maxBytes: config.max_line_bytes },
    await recordsStart(file, config),
  );
  while (await reader.fill()) {
    const record = reader.next();
    if (!record) continue;
    const where = { line: record.line };
    if (record.fault)
      throw new GranaryError('format.invalid', 'The first record cannot be read as a header.', {
        where,
        hint: 'Compare delimiter, quote and skip_lines with the first lines of the file.',
        details: { text: reader.text(record).slice(0, 200) },
      });
    if (record.fields > MAX_COLUMNS)
      throw new GranaryError(
        'format.too_many_columns',
        `The file has ${record.fields} columns; ${MAX_COLUMNS} are allowed.`,
        {
          where,
          hint: 'Check that the delimiter is the right one.',
        },
      );
    return Array.from({ length: record.fields }, (_, i) => fieldBytes(reader.parser, i, dialect).toString());
  }
  return undefined;
}

/** Trimmed; an empty name becomes `column_N`, a name seen before `name_2`. */
export function columnNames(texts: string[]): string[] {
  const taken = new Set<string>();
  return texts.map((text, i) => {
    const base = text.trim() || `column_${i + 1}`;
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}_${n}`;
    taken.add(name);
    return name;
  });
}

/** Position of a column in a header: by exact name, else without regard to case and surrounding spaces. */
export function columnPosition(header: string[], source: string): number | undefined {
  const exact = header.indexOf(source);
  if (exact >= 0) return exact;
  const wanted = source.trim().toLowerCase();
  const near = header.findIndex((name) => name.toLowerCase() === wanted);
  return near >= 0 ? near : undefined;
}

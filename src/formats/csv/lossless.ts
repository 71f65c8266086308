/**
 * The lossless attempt: every record is read by our own reader and becomes a row of a clean file or a reject with its line, text and reason.
 * The engine then reads the clean file as text, which it cannot get wrong; types are left to the caller.
 */
import { open } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { GranaryError } from '../../lib/errors.ts';
import { LineIndex } from '../../lib/scan/line-index.ts';
import { RECORDS_PER_MARK } from '../../lib/scan/record-scanner.ts';
import { raw, sql } from '../../lib/sql.ts';
import type { Attempt, ReadInput, Settlement } from '../../ports/format.ts';
import { type PlannedColumn, relationColumns } from './columns.ts';
import { type CsvConfig, scanDialect } from './config.ts';
import { recordsStart } from './header.ts';
import type { ParserOptions } from './record-parser.ts';
import { type CsvRecord, RecordReader } from './record-reader.ts';
import { RejectWriter } from './rejects.ts';
import { RowWriter } from './row-writer.ts';
import { countData, hasTrailer } from './trailer.ts';
import { ValueWriter, writtenValues } from './values.ts';

export function losslessAttempt(input: ReadInput<CsvConfig>): Attempt {
  const path = joinPath(input.scratch, 'lossless.csv');
  let reading: Reading | undefined;
  return {
    name: 'lossless',
    async prepare() {
      reading = await readAll(input, path);
      const { planned, longest } = reading;
      const typed = input.columns.map((c, i) => !c.asText && (c.type === 'text' || planned[i]!.position === undefined));
      const columns: [string, string][] = [
        ['_line', 'BIGINT'],
        ...planned.map((_, i): [string, string] => [`f${i}`, 'VARCHAR']),
      ];
      const values = relationColumns(planned, input.config, (_, i) => raw(`f${i}`), typed);
      const selected = values.text ? sql`_line, ${values}` : '_line';
      return {
        sql: sql`(SELECT ${raw(selected)} FROM ${raw(writtenValues(path, columns, longest))})`,
        typed,
        hasLine: true,
      };
    },
    async settle(rows) {
      const { received, rejected, rejects, marks, rows: written } = reading!;
      if (rows !== written)
        throw new GranaryError(
          'books.imbalance',
          `The engine gave ${rows} of ${written} rows that were written for it.`,
          {
            hint: 'This is a defect in Granary or its engine: please report it.',
          },
        );
      await rejects.load(input.engine);
      return { received, rejected, rawText: (lines) => rawText(input, marks, lines) } satisfies Settlement;
    },
  };
}

interface Reading {
  planned: PlannedColumn[];
  received: number;
  rejected: number;
  rows: number;
  /** Longest row written, in bytes. */
  longest: number;
  rejects: RejectWriter;
  marks: LineIndex;
}

const parserOptions = (config: CsvConfig): ParserOptions => ({
  dialect: scanDialect(config),
  multiline: config.multiline,
  maxBytes: config.max_line_bytes,
});

async function readAll(input: ReadInput<CsvConfig>, path: string): Promise<Reading> {
  const { config } = input;
  const file = await open(input.path);
  const rejects = await RejectWriter.create(input.scratch, 'lossless');
  const out = await ValueWriter.create(path);
  try {
    const start = await recordsStart(file, config);
    const reading = () => new RecordReader(file, parserOptions(config), start);
    const data = hasTrailer(config) ? await countData(reading(), config) : Number.POSITIVE_INFINITY;
    const fields = input.header?.length ?? (await firstFields(reading()));
    const reader = reading();
    const rows = new RowWriter(input, reader, out, fields);
    const marks: number[] = [];
    const headerRecords = config.header ? 1 : 0;
    let records = 0;
    let rejected = 0;
    while (await reader.fill()) {
      input.signal?.throwIfAborted();
      for (let r = reader.next(); r; r = reader.next()) {
        if (records % RECORDS_PER_MARK === 0) marks.push(r.offset, r.line);
        if (records++ < headerRecords || records - headerRecords > data) continue;
        const reasons = rows.write(r);
        if (reasons.length > 0) rejected++;
        for (const reject of reasons) await rejects.add(reject);
      }
      await out.flush();
    }
    return {
      planned: rows.planned,
      received: out.rows + rejected,
      rejected,
      rows: out.rows,
      longest: out.longest,
      rejects,
      marks: LineIndex.ofMarks(marks),
    };
  } finally {
    await file.close();
    await out.close();
    await rejects.close();
  }
}

/** How many fields the first good record has. */
async function firstFields(reader: RecordReader): Promise<number> {
  while (await reader.fill()) for (let r = reader.next(); r; r = reader.next()) if (!r.fault) return r.fields;
  return 0;
}

async function* rawText(
  input: ReadInput<CsvConfig>,
  marks: LineIndex,
  lines: number[],
): AsyncGenerator<{ line: number; raw: string | undefined }> {
  const file = await open(input.path);
  try {
    let reader: RecordReader | undefined;
    let reached = 0;
    let record: CsvRecord | undefined;
    for (const line of lines) {
      const mark = marks.beforeLine(line);
      if (!reader || (mark >= 0 && marks.mark(mark).line > reached)) {
        const start = mark < 0 ? await recordsStart(file, input.config) : marks.mark(mark);
        reader = new RecordReader(file, parserOptions(input.config), start);
        await reader.fill();
        record = reader.next();
      }
      while (!record || record.line < line) {
        record = reader.next();
        if (!record && !(await reader.fill())) break;
      }
      reached = record?.line ?? reached;
      yield { line, raw: record?.line === line ? reader.text(record) : undefined };
    }
  } finally {
    await file.close();
  }
}

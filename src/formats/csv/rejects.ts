/** Records that could not be read, on their way into the table of rejects. */
import { join as joinPath } from 'node:path';
import { ident, raw, sql } from '../../lib/sql.ts';
import { formatBytes, formatCount } from '../../lib/units.ts';
import type { ColumnType } from '../../model/schema.ts';
import type { Engine } from '../../ports/engine.ts';
import { PARSE_REJECTS } from '../../ports/format.ts';
import { ValueWriter, writtenValues } from './values.ts';

export interface Reject {
  line: number;
  rule: 'type' | 'structure' | 'encoding' | 'too_long';
  column: string | undefined;
  reason: string;
  raw: string;
}

/** Gathers rejects in a file, then fills `PARSE_REJECTS` at once. */
export class RejectWriter {
  readonly #path: string;
  readonly #values: ValueWriter;

  private constructor(path: string, values: ValueWriter) {
    this.#path = path;
    this.#values = values;
  }

  static async create(scratch: string, attempt: string): Promise<RejectWriter> {
    const path = joinPath(scratch, `${attempt}-rejects.csv`);
    return new RejectWriter(path, await ValueWriter.create(path));
  }

  async add(reject: Reject): Promise<void> {
    this.#values.number(reject.line);
    for (const text of [reject.rule, reject.column, reject.reason, reject.raw]) this.#values.text(text?.toWellFormed());
    this.#values.endRow();
    await this.#values.flush();
  }

  close(): Promise<void> {
    return this.#values.close();
  }

  /** After `close`. */
  async load(engine: Engine): Promise<void> {
    const columns: [string, string][] = [
      ['line', 'BIGINT'],
      ['rule', 'VARCHAR'],
      ['column', 'VARCHAR'],
      ['reason', 'VARCHAR'],
      ['raw', 'VARCHAR'],
    ];
    if (this.#values.rows === 0) {
      const empty = columns.map(([name, type]) => `${ident(name)} ${type}`).join(', ');
      return engine.run(`CREATE OR REPLACE TEMP TABLE ${PARSE_REJECTS} (${empty})`);
    }
    const written = writtenValues(this.#path, columns, this.#values.longest);
    await engine.run(sql`CREATE OR REPLACE TEMP TABLE ${ident(PARSE_REJECTS)} AS SELECT * FROM ${raw(written)}`);
  }
}

export const fieldsReason = (expected: number, found: number): string =>
  `expected ${formatCount(expected)} ${expected === 1 ? 'field' : 'fields'}, found ${formatCount(found)}`;

export const typeReason = (type: ColumnType, found: string): string =>
  `expected ${type}, found "${found.length > 100 ? `${found.slice(0, 99)}…` : found}"`;

export const tooLongReason = (bytes: number, limit: number): string =>
  `the line has ${formatBytes(bytes)}; at most ${formatBytes(limit)} are allowed`;

export const ENCODING_REASON = 'bytes that are not valid in the encoding of the file';

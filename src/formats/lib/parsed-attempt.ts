/** The attempt of formats that are parsed here and not by the engine: lossless, with lines, everything as text. */
import { literal, raw, sql } from '../../lib/sql.ts';
import { type Attempt, PARSE_REJECTS, type ReadInput, type Settlement } from '../../ports/format.ts';
import { type CsvFile, RowWriter } from './row-writer.ts';

export interface Parsing {
  input: ReadInput<unknown>;
  name: string;
  /** Parses the whole payload: each record becomes a row or a reject. */
  parse(out: RowWriter): Promise<void>;
  rawText: Settlement['rawText'];
}

/** Parses into files in the attempt's scratch folder; the engine then reads those. */
export function parsedAttempt({ input, name, parse, rawText }: Parsing): Attempt {
  let out: RowWriter | undefined;
  return {
    name,
    async prepare() {
      out = new RowWriter(input.scratch);
      try {
        await parse(out);
      } finally {
        out.close();
      }
      return {
        sql: rowsRelation(out, input.columns.length),
        typed: input.columns.map(() => false),
        hasLine: true,
      };
    },
    async settle(rows) {
      if (!out) throw new TypeError('settle() before prepare()');
      const rejects = out.rejectedRecords > 0 ? readCsvFile(out.rejects, REJECT_COLUMNS) : undefined;
      await createParseRejects(input.engine, rejects);
      const received = rows + out.rejectedRecords;
      if (rows !== out.rows.rows || received !== input.facts.records) return 'mismatch';
      return { received, rejected: out.rejectedRecords, rawText };
    },
  };
}

/** A table expression over the rows that were written: text columns `c0`, `c1`… and BIGINT `_line`. */
export function rowsRelation(out: RowWriter, columns: number): string {
  const cells = Array.from({ length: columns }, (_, i) => [`c${i}`, 'VARCHAR'] as const);
  return readCsvFile(out.rows, [...cells, ['_line', 'BIGINT']]);
}

type Columns = readonly (readonly [name: string, type: string])[];

const REJECT_COLUMNS: Columns = [
  ['line', 'BIGINT'],
  ['rule', 'VARCHAR'],
  ['column', 'VARCHAR'],
  ['reason', 'VARCHAR'],
  ['raw', 'VARCHAR'],
];

/** Makes the table `PARSE_REJECTS` anew. `from`: a table expression with its columns; none leaves it empty. */
export async function createParseRejects(engine: ReadInput<unknown>['engine'], from?: string): Promise<void> {
  const columns = raw(REJECT_COLUMNS.map(([name, type]) => `"${name}" ${type}`).join(', '));
  await engine.run(sql`CREATE OR REPLACE TEMP TABLE ${raw(PARSE_REJECTS)} (${columns})`);
  if (from) await engine.run(sql`INSERT INTO ${raw(PARSE_REJECTS)} SELECT * FROM ${raw(from)}`);
}

/** Rows longer than this need larger buffers than the engine's own. */
const USUAL_ROW_BYTES = 2_000_000;

/** A table expression over a file that CsvFile wrote. */
export function readCsvFile(file: CsvFile, columns: Columns): string {
  const types = raw(`{${columns.map(([name, type]) => `${literal(name)}: ${literal(type)}`).join(', ')}}`);
  const room =
    file.longest < USUAL_ROW_BYTES
      ? raw('')
      : raw(sql`, max_line_size = ${file.longest + 1}, buffer_size = ${2 * file.longest + 2}`);
  return sql`read_csv(${literal(file.path)}, auto_detect = false, header = false, columns = ${types}, delim = ',', quote = '"',
    escape = '"', comment = '', new_line = '\\n', nullstr = '', allow_quoted_nulls = false${room})`;
}

/**
 * The fast attempt: the engine's own CSV reader, typed, for files that it reads as they are meant. It loses good rows in some states of a file
 * (after a bad record that follows one of its buffer boundaries, for one), so every record is reconciled with the independent count: rows and
 * distinct rejected records must be the records counted, and every reject must lie where a record begins. It also takes some
 * records with fields too many: so the ragged records that were counted must all be rejects, but for those that only end in a delimiter.
 */
import { open } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { LineIndex } from '../../lib/scan/line-index.ts';
import { RecordLocator } from '../../lib/scan/record-locator.ts';
import { ident, join, literal, raw, sql } from '../../lib/sql.ts';
import { engineType } from '../../model/schema.ts';
import type { Attempt, ReadInput, Settlement } from '../../ports/format.ts';
import { keepsValues, type PlannedColumn, planColumns, relationColumns } from './columns.ts';
import { type CsvConfig, scanDialect } from './config.ts';
import type { CsvFacts } from './count.ts';
import { recordsInDoubt } from './doubt.ts';
import { type EngineError, explainer, textOf } from './explain.ts';
import { lineOfRow } from './line-table.ts';
import { RejectWriter } from './rejects.ts';

/** The engine's own limit is 2,097,152. */
const LONGEST = 2_000_000;
const ERRORS = '_csv_reject_errors';
const SCANS = '_csv_reject_scans';

type SlowInput = Pick<ReadInput<CsvConfig>, 'config' | 'header' | 'columns'>;

/** Why a file is not for the fast attempt; undefined when it is. */
export function slowReason({ config, header, columns }: SlowInput, facts: CsvFacts): string | undefined {
  const some = readsSomeColumns(planColumns(columns, header, facts.columns), facts);
  const kindsOfLineEnd = [facts.lf, facts.crlf, facts.cr].filter((n) => n > 0).length;
  const reasons: [boolean, string][] = [
    [facts.records === 0, 'no records'],
    [facts.escapes > 0, 'escapes'],
    [facts.nuls > 0, 'NUL bytes'],
    // The engine stops for good on such a value, when it reads some columns only.
    [!facts.validUtf8 && some, 'invalid UTF-8 with columns that are not wanted'],
    [kindsOfLineEnd > 1, 'mixed line ends'],
    [facts.comments > 0, 'comments'],
    [facts.longest > Math.min(LONGEST, config.max_line_bytes), 'long records'],
    [facts.columns === 1 && facts.blanks > 0, 'blank lines in a single column'],
    [facts.ragged > 0 && config.ragged !== 'reject', 'ragged records'],
    [!facts.footerRagged, 'a trailer like a record'],
    [facts.skip === undefined, 'quotes or other line ends above the data'],
    [header !== undefined && header.length !== facts.columns, 'a header that was read differently'],
  ];
  return recordsInDoubt(config, facts) ?? reasons.find(([holds]) => holds)?.[1];
}

/** Whether the engine leaves fields out, which makes it less strict. */
function readsSomeColumns(planned: PlannedColumn[], facts: CsvFacts): boolean {
  const wanted = new Set(planned.map(({ position }) => position));
  wanted.delete(undefined);
  return wanted.size < facts.columns;
}

/** `fast` reads with all threads, `sequential` with one: it does not lose the rows that the other loses at boundaries. */
export function fastAttempt(
  input: ReadInput<CsvConfig>,
  facts: CsvFacts,
  name: 'fast' | 'sequential' = 'fast',
): Attempt {
  const { engine, config } = input;
  const planned = planColumns(input.columns, input.header, facts.columns);
  const traits = new Map(facts.traits.map((t) => [t.column, t]));
  const uses = new Map<number | undefined, number>();
  for (const { position } of planned) uses.set(position, (uses.get(position) ?? 0) + 1);
  const typed = planned.map(({ column, position }) => {
    if (column.asText) return false;
    if (position === undefined || column.type === 'text') return true;
    return uses.get(position) === 1 && keepsValues(column.type, config, traits.get(position));
  });
  return {
    name,
    async prepare() {
      await engine.run(sql`DROP TABLE IF EXISTS ${ident(ERRORS)}`);
      await engine.run(sql`DROP TABLE IF EXISTS ${ident(SCANS)}`);
      const columns = relationColumns(planned, config, (position) => ident(`f${position}`), typed);
      const reader = readerCall(input.path, config, facts, planned, typed, name === 'fast');
      return {
        sql: sql`(SELECT ${columns.text ? columns : raw('1 AS _none')} FROM ${raw(reader)})`,
        typed,
        hasLine: false,
      };
    },
    settle: (rows) => settle(input, facts, planned, rows, name),
  };
}

/** All fields of the file are declared: those that nobody asks for as text, which costs nothing as they are not projected. */
function readerCall(
  path: string,
  config: CsvConfig,
  facts: CsvFacts,
  planned: PlannedColumn[],
  typed: boolean[],
  parallel: boolean,
): string {
  const types = new Map<number, string>();
  planned.forEach(({ column, position }, i) => {
    if (position !== undefined && !types.has(position))
      types.set(position, typed[i] ? engineType(column.type) : 'VARCHAR');
  });
  const columns = Array.from(
    { length: facts.columns },
    (_, i) => sql`${literal(`f${i}`)}: ${literal(types.get(i) ?? 'VARCHAR')}`,
  );
  const quote = scanDialect(config).quote;
  const character = literal(quote === 0 ? '' : String.fromCharCode(quote));
  // Given, because the reader would otherwise take the first line end it sees, be it inside quotes.
  const lineEnd = facts.crlf > 0 ? '\\r\\n' : facts.cr > 0 ? '\\r' : '\\n';
  return sql`read_csv(${literal(path)}, auto_detect=false, new_line=${literal(lineEnd)}, header=false, skip=${facts.skip ?? 0},
    delim=${literal(config.delimiter)}, quote=${character}, escape=${character}, nullstr=${literal(config.null_values)},
    allow_quoted_nulls=${literal(config.quoted_nulls)}, decimal_separator=${literal(config.decimal)}, columns={${join(columns)}},
    parallel=${literal(parallel)}, store_rejects=true, rejects_table=${literal(ERRORS)}, rejects_scan=${literal(SCANS)})`;
}

async function settle(
  input: ReadInput<CsvConfig>,
  facts: CsvFacts,
  planned: PlannedColumn[],
  rows: number,
  name: string,
): Promise<Settlement | 'mismatch'> {
  const { engine, config, path, scratch } = input;
  const index = LineIndex.from(input.index!);
  const dialect = scanDialect(config);
  const headerRecords = config.header ? 1 : 0;
  const explain = explainer(config, facts.columns, planned);
  const writer = await RejectWriter.create(scratch, name);
  const rejected: number[] = [];
  let ragged = 0;
  const file = await open(path);
  try {
    const locator = new RecordLocator(file, dialect, index, facts.start);
    for await (const group of rejectedRecords(input)) {
      input.signal?.throwIfAborted();
      const record = await locator.at(group.start);
      if (!record || record.record < headerRecords) return 'mismatch';
      if (record.record >= headerRecords + facts.records) {
        ragged++; // `slowReason` has seen to it that the trailer is
        continue;
      }
      const rejects = explain(record, group.errors);
      if (!rejects || record.record === rejected.at(-1)) return 'mismatch';
      rejected.push(record.record);
      if (rejects[0]?.rule === 'structure') ragged++;
      for (const reject of rejects) await writer.add(reject);
    }
  } finally {
    await file.close();
    await writer.close();
  }
  if (rows + rejected.length !== facts.records) return 'mismatch';
  if (ragged + facts.trailing !== facts.ragged) return 'mismatch';
  await writer.load(engine);
  return {
    received: facts.records,
    rejected: rejected.length,
    line: await lineOfRow(engine, joinPath(scratch, `${name}-steps.csv`), {
      jumps: index.jumps(),
      rejected,
      headerRecords,
      firstLine: facts.start.line,
      rows,
    }),
    async *rawText(lines) {
      const handle = await open(path);
      try {
        const locator = new RecordLocator(handle, dialect, index, facts.start);
        for (const line of lines) {
          const record = await locator.onLine(line);
          yield { line, raw: record && textOf(record) };
        }
      } finally {
        await handle.close();
      }
    },
  };
}

/** What the engine's reader refused, record by record in order of the file. */
async function* rejectedRecords({
  engine,
}: ReadInput<CsvConfig>): AsyncGenerator<{ start: number; errors: EngineError[] }> {
  const query = sql`SELECT line_byte_position - 1 AS start, column_name AS name, error_type::VARCHAR AS type
    FROM ${ident(ERRORS)} ORDER BY line_byte_position, byte_position`; // which count from 1
  let group: { start: number; errors: EngineError[] } | undefined;
  for await (const batch of engine.batches<{ start: number; name: string | null; type: string }>(query)) {
    for (const { start, name, type } of batch) {
      if (group && group.start !== start) yield group;
      if (group?.start !== start) group = { start, errors: [] };
      group.errors.push({ field: name === null ? undefined : Number(name.slice(1)), type });
    }
  }
  if (group) yield group;
}

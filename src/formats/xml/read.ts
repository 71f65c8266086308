/** The attempts that read a document: one pass to rows, two where values around the records come behind them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { literal, raw, sql } from '../../lib/sql.ts';
import type { Attempt, ReadInput, Relation } from '../../ports/format.ts';
import { printable } from '../lib/lines.ts';
import { createParseRejects, readCsvFile } from '../lib/parsed-attempt.ts';
import type { XmlConfig } from './config.ts';
import { TagCounter } from './count.ts';
import { malformed, placed, placeOf, XmlError } from './errors.ts';
import { collectLate, type Document, parsePieces, rawRecords } from './passes.ts';
import { planXml, type XmlPlan } from './plan.ts';
import { LateValue } from './record-sink.ts';
import type { Gathered } from './records.ts';
import { type RowFile, RowFiles } from './row-files.ts';
import { XmlRows } from './rows.ts';
import { textOf } from './text.ts';

interface Reading {
  rows: XmlRows;
  files: RowFiles;
}

/**
 * The first attempt can give its rows in parts, of which the first may be wrong when a value around records comes behind many of them,
 * or when records share a line for the first time. The second one gives nothing before it has read everything.
 */
export function xmlAttempts(input: ReadInput<XmlConfig>): Attempt[] {
  const { config, scratch } = input;
  const document: Document = { path: input.path, config, ...(input.signal && { signal: input.signal }) };
  const plan = planXml(
    config,
    input.columns.map((c) => c.source),
  );
  const typed = input.columns.map(() => false);
  const relation = (files: readonly RowFile[], byOrdinal: boolean, before?: number): Relation => ({
    sql: relationSql(files, input.columns.length, byOrdinal, before),
    typed,
    hasLine: true,
  });
  return ['parts', 'whole'].map((name): Attempt => {
    let reading: Reading | undefined;
    let isWrong = false;
    const prepare = async () => {
      reading = await readWhole(document, plan, scratch, name);
      return relation(reading.files.files, reading.rows.sharesLines);
    };
    async function* parts(): AsyncGenerator<Relation> {
      let byOrdinal: boolean | undefined;
      try {
        reading = await begin(plan, scratch, name);
        for await (const { sharesLines } of readPieces(document, plan, reading)) {
          const file = reading.files.takeLarge();
          if (!file) continue;
          byOrdinal ??= sharesLines;
          isWrong ||= byOrdinal !== sharesLines;
          if (isWrong) return;
          yield relation([file], byOrdinal, file.before);
        }
        const { rows, files } = reading;
        byOrdinal ??= rows.sharesLines;
        isWrong ||= byOrdinal !== rows.sharesLines;
        const last = files.takeLast();
        if (last && !isWrong) yield relation([last], byOrdinal, last.before);
      } catch (e) {
        if (!(e instanceof LateValue)) throw e;
        isWrong = byOrdinal !== undefined;
        if (isWrong) return;
        reading = await readTwice(document, plan, scratch, name);
        for (const file of reading.files.files) yield relation([file], reading.rows.sharesLines, file.before);
      } finally {
        reading?.files.close();
      }
    }
    return {
      name: `parsed document, ${name}`,
      prepare,
      ...(name === 'parts' && { parts }),
      async settle(rows) {
        if (!reading) throw new TypeError('settle() before prepare()');
        const { rejected, sharesLines, page } = reading.rows;
        if (isWrong) return 'mismatch';
        await createParseRejects(input.engine, rejects(reading.rows));
        const received = rows + rejected;
        if (rows !== page.rows || received !== input.facts.records) return 'mismatch';
        return {
          received,
          rejected,
          rawText: (lines) => rawRecords(document, (g) => (sharesLines ? g.ordinal : g.line), lines, printable),
        };
      },
    };
  });
}

/** The line of a record's start tag; where several begin on one line, the ordinal of the record instead. */
const lineOf = (byOrdinal: boolean) => raw(byOrdinal ? '_record' : '_line');

/** `before`: rows of the parts before this one, where rows are to be numbered. */
function relationSql(files: readonly RowFile[], columns: number, byOrdinal: boolean, before?: number): string {
  const cells = Array.from({ length: columns }, (_, c) => `c${c}, `).join('');
  const paths = files.map((f) => literal(f.path)).join(', ');
  const number = before === undefined ? '' : `, file_row_number + ${before} AS _n`;
  const rows = sql`read_parquet([${raw(paths)}], file_row_number = ${raw(String(before !== undefined))})`;
  return sql`(SELECT ${raw(cells)}${lineOf(byOrdinal)}::BIGINT AS _line${raw(number)} FROM ${raw(rows)})`;
}

function rejects(out: XmlRows): string {
  const texts = ['rule', 'column', 'reason', 'raw'].map((name): [string, string] => [name, 'VARCHAR']);
  const file = readCsvFile(out.rejects, [['_record', 'BIGINT'], ['_line', 'BIGINT'], ...texts]);
  return sql`(SELECT ${lineOf(out.sharesLines)}, rule, "column", reason, raw FROM ${raw(file)})`;
}

async function begin(plan: XmlPlan, scratch: string, name: string): Promise<Reading> {
  const folder = join(scratch, name);
  await mkdir(folder);
  const files = new RowFiles(folder, plan.columns.length);
  return { files, rows: new XmlRows(folder, { plan, own: plan.chain.length - 1 }, files) };
}

async function readWhole(document: Document, plan: XmlPlan, scratch: string, name: string): Promise<Reading> {
  try {
    return await readAll(document, plan, await begin(plan, scratch, name));
  } catch (e) {
    if (!(e instanceof LateValue)) throw e;
  }
  return await readTwice(document, plan, scratch, name);
}

async function readTwice(document: Document, plan: XmlPlan, scratch: string, name: string): Promise<Reading> {
  const folder = join(scratch, `${name}-late`);
  await mkdir(folder);
  const late = await collectLate(document, plan, folder);
  try {
    return await readAll(document, plan, await begin(plan, folder, 'rows'), late.known);
  } finally {
    late.close();
  }
}

async function readAll(
  document: Document,
  plan: XmlPlan,
  reading: Reading,
  known?: Parameters<typeof parsePieces>[3],
): Promise<Reading> {
  try {
    for await (const _ of readPieces(document, plan, reading, known)) reading.files.takeLarge();
    reading.files.takeLast();
    return reading;
  } finally {
    reading.files.close();
  }
}

/** Parses a document into rows and rejects, a piece at a time. Throws LateValue, and `format.invalid` where that is asked for. */
async function* readPieces(
  document: Document,
  plan: XmlPlan,
  { rows }: Reading,
  known?: Parameters<typeof parsePieces>[3],
): AsyncGenerator<Gathered> {
  try {
    yield* parsePieces(document, plan, rows, known);
  } catch (e) {
    if (!(e instanceof XmlError)) throw e;
    const place = await placeOf(textOf(document.path, document.config), e.offset);
    if (document.config.malformed === 'refuse') throw malformed(e, place);
    await rejectRest(document, plan, rows, `the document is not well-formed: ${placed(e, place)}`, place.line);
  } finally {
    rows.close();
  }
}

/** Records behind the error are rejected one by one, as the counter sees them; if there are none, the rest of the document is. */
async function rejectRest(
  document: Document,
  plan: XmlPlan,
  out: XmlRows,
  reason: string,
  line: number,
): Promise<void> {
  const complete = out.page.rows + out.rejected;
  let ordinal = 0;
  const counter = new TagCounter([{ chain: plan.chain, namespaces: plan.namespaces }], (_, at) => {
    if (++ordinal > complete) out.rejectLost({ line: at, ordinal }, reason);
  });
  for await (const chunk of textOf(document.path, document.config, document.signal)) counter.push(chunk);
  if (ordinal <= complete) out.rejectLost({ line, ordinal: complete + 1 }, reason);
}

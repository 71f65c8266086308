/** The attempt that reads a document: one pass to rows, two where values around the records come behind them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ident, raw, sql } from '../../lib/sql.ts';
import type { Attempt, ReadInput } from '../../ports/format.ts';
import { printable } from '../lib/lines.ts';
import { createParseRejects, readCsvFile } from '../lib/parsed-attempt.ts';
import type { XmlConfig } from './config.ts';
import { TagCounter } from './count.ts';
import { malformed, placed, placeOf, XmlError } from './errors.ts';
import { readFieldFile } from './field-file.ts';
import { collectLate, type Document, parseAll, rawRecords } from './passes.ts';
import { planXml, type XmlPlan } from './plan.ts';
import { LateValue } from './record-sink.ts';
import { XmlRows } from './rows.ts';
import { textOf } from './text.ts';

export function xmlAttempt(input: ReadInput<XmlConfig>): Attempt {
  let out: XmlRows | undefined;
  const { engine, config } = input;
  const document: Document = { path: input.path, config, ...(input.signal && { signal: input.signal }) };
  const plan = planXml(
    config,
    input.columns.map((c) => c.source),
  );
  return {
    name: 'parsed document',
    async prepare() {
      out = await readRows(document, plan, input.scratch);
      return { sql: relation(out), typed: input.columns.map(() => false), hasLine: true };
    },
    async settle(rows) {
      if (!out) throw new TypeError('settle() before prepare()');
      const { rejected, sharesLines } = out;
      await createParseRejects(engine, rejects(out));
      const received = rows + rejected;
      if (rows !== out.rows.rows || received !== input.facts.records) return 'mismatch';
      return {
        received,
        rejected,
        rawText: (lines) => rawRecords(document, (g) => (sharesLines ? g.ordinal : g.line), lines, printable),
      };
    },
  };
}

/** The line of a record's start tag; where several begin on one line, the ordinal of the record instead. */
const lineOf = (out: XmlRows) => raw(out.sharesLines ? '_record' : '_line');

function relation(out: XmlRows): string {
  const columns: [string, string][] = [
    ...out.order.map((c): [string, string] => [`c${c}`, 'VARCHAR']),
    ['_line', 'BIGINT'],
    ['_record', 'BIGINT'],
  ];
  const cells = out.order.map((_, c) => `${ident(`c${c}`)}, `).join('');
  return sql`(SELECT ${raw(cells)}${lineOf(out)} AS _line FROM ${raw(readFieldFile(out.rows, columns))})`;
}

function rejects(out: XmlRows): string {
  const texts = ['rule', 'column', 'reason', 'raw'].map((name): [string, string] => [name, 'VARCHAR']);
  const file = readCsvFile(out.rejects, [['_record', 'BIGINT'], ['_line', 'BIGINT'], ...texts]);
  return sql`(SELECT ${lineOf(out)}, rule, "column", reason, raw FROM ${raw(file)})`;
}

async function readRows(document: Document, plan: XmlPlan, scratch: string): Promise<XmlRows> {
  try {
    return await readOnce(document, plan, join(scratch, 'first'));
  } catch (e) {
    if (!(e instanceof LateValue)) throw e;
  }
  const folder = join(scratch, 'second');
  await mkdir(folder);
  const late = await collectLate(document, plan, folder);
  try {
    return await readOnce(document, plan, join(folder, 'rows'), late.known);
  } finally {
    late.close();
  }
}

async function readOnce(
  document: Document,
  plan: XmlPlan,
  folder: string,
  known?: Parameters<typeof parseAll>[3],
): Promise<XmlRows> {
  await mkdir(folder);
  const out = new XmlRows(folder, { plan, own: plan.chain.length - 1 });
  try {
    await parseAll(document, plan, out, known);
  } catch (e) {
    if (!(e instanceof XmlError)) throw e;
    const place = await placeOf(textOf(document.path, document.config), e.offset);
    if (document.config.malformed === 'refuse') throw malformed(e, place);
    await rejectRest(document, plan, out, `the document is not well-formed: ${placed(e, place)}`, place.line);
  } finally {
    out.close();
  }
  return out;
}

/** Records behind the error are rejected one by one, as the counter sees them; if there are none, the rest of the document is. */
async function rejectRest(
  document: Document,
  plan: XmlPlan,
  out: XmlRows,
  reason: string,
  line: number,
): Promise<void> {
  const complete = out.rows.rows + out.rejected;
  let ordinal = 0;
  const counter = new TagCounter([{ chain: plan.chain, namespaces: plan.namespaces }], (_, at) => {
    if (++ordinal > complete) out.rejectLost({ line: at, ordinal }, reason);
  });
  for await (const chunk of textOf(document.path, document.config, document.signal)) counter.push(chunk);
  if (ordinal <= complete) out.rejectLost({ line, ordinal: complete + 1 }, reason);
}

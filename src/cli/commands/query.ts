/** `granary query`. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { GranaryError } from '../../lib/errors.ts';
import { formatCount, formatSeconds } from '../../lib/units.ts';
import type { QueryOptions, QueryResult } from '../../ports/warehouse.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { ownerOf, withRuntime } from '../open.ts';
import { withOutput } from '../output.ts';
import { usage } from '../parse.ts';
import { type RowFormat, tableOf, type Write, writeRows } from '../rows.ts';
import { tableLines } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

const TABLE_LIMIT = 1000;

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal, options, signal } = call;
  const statement = await readStatement(call);
  const to = options.text('to');
  const format = (options.text('format') ?? (terminal.json ? 'json' : to === undefined ? 'table' : 'csv')) as
    | RowFormat
    | 'table';
  const limit = options.count('limit') ?? (format === 'table' ? TABLE_LIMIT : undefined);
  const started = performance.now();
  const ask = async (query: (sql: string, options: QueryOptions) => Promise<QueryResult>) => {
    try {
      const result = await query(statement.sql, {
        signal,
        ...(limit !== undefined && { maxRows: limit }),
      });
      const rows = await withOutput(to, terminal, (write) =>
        format === 'table' ? writeTable(result, terminal, write) : writeRows(format, result, write),
      );
      const seconds = (performance.now() - started) / 1000;
      terminal.note(
        `${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}${result.truncated() ? ', cut by the limit' : ''} in ${formatSeconds(seconds)}`,
      );
    } catch (e) {
      throw pointAt(e, statement);
    }
  };
  const owner = await ownerOf(call);
  if (owner) await ask((sql, how) => owner.query(sql, how));
  else await withRuntime(call, ({ context }) => ask((sql, how) => context.warehouse.query(sql, how)));
  return EXIT.ok;
}

interface Statement {
  sql: string;
  file: string | undefined;
}

async function readStatement({ arguments: [given], options }: Call): Promise<Statement> {
  const file = options.text('file');
  if ((given === undefined) === (file === undefined))
    throw usage('Give one statement: as an argument, or with -f', 'granary query "SELECT 1"');
  if (given !== undefined) return { sql: given, file: undefined };
  if (file === '-') return { sql: await text(process.stdin), file: undefined };
  try {
    return { sql: await readFile(file!, 'utf8'), file };
  } catch (e) {
    throw usage(`${file} cannot be read: ${(e as Error).message}`);
  }
}

async function writeTable(result: QueryResult, terminal: Terminal, write: Write): Promise<number> {
  const rows: unknown[][] = [];
  for await (const batch of result.batches) rows.push(...batch);
  const { columns, cells } = tableOf(result.columns, rows, terminal.style.dim);
  await write(`${tableLines(columns, cells, { style: terminal.style, width: terminal.width }).join('\n')}\n`);
  return rows.length;
}

/** An error of a statement with the line it is in, and a mark under the place. */
function pointAt(e: unknown, { sql, file }: Statement): unknown {
  if (!(e instanceof GranaryError) || e.code !== 'query.failed') return e;
  const line = e.where?.line === undefined ? undefined : sql.split('\n')[e.where.line - 1];
  const mark = line === undefined ? '' : `\n    ${line}\n    ${' '.repeat((e.where!.column ?? 1) - 1)}^`;
  return new GranaryError(e.code, e.message + mark, {
    transient: e.transient,
    where: { ...e.where, ...(file !== undefined && { file }) },
    ...(e.hint !== undefined && { hint: e.hint }),
    cause: e,
  });
}

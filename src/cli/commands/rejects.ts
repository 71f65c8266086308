/** `granary rejects`: from the warehouse's `granary.rejects`, with the name of the file. */
import { join, literal, raw, sql } from '../../lib/sql.ts';
import { formatCount } from '../../lib/units.ts';
import type { QueryResult } from '../../ports/warehouse.ts';
import { checkDatasets } from '../../runtime/names.ts';
import { findObject } from '../../runtime/replay.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { ownerOf, withRuntime, withState } from '../open.ts';
import { withOutput } from '../output.ts';
import { tableOf, writeRows } from '../rows.ts';
import type { Terminal } from '../terminal/terminal.ts';

const LIMIT = 50;

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal, options, signal } = call;
  const datasets = options.list('dataset');
  const to = options.text('to');
  const limit = options.count('limit') ?? (to === undefined ? LIMIT : undefined);
  const statement = await withState(call, async (context, project) => {
    checkDatasets(datasets, project);
    const named = options.text('object');
    const object = named === undefined ? undefined : (await findObject(named, context)).id;
    return rejectsQuery({ datasets, object, rules: options.list('rule') });
  });
  const tell = async (result: QueryResult) => {
    if (to !== undefined || terminal.json) {
      const rows = await withOutput(to, terminal, (write) =>
        writeRows(to === undefined ? 'json' : 'csv', result, write),
      );
      if (to !== undefined) terminal.line(`${formatCount(rows)} reasons written to ${to}`);
    } else await printRejects(result, terminal);
  };
  const how = { signal, ...(limit !== undefined && { maxRows: limit }) };
  const owner = await ownerOf(call);
  if (owner) await tell(await owner.query(statement, how));
  else await withRuntime(call, async ({ context }) => tell(await context.warehouse.query(statement, how)));
  return EXIT.ok;
}

/** Pure. */
export function rejectsQuery(filter: {
  datasets: readonly string[];
  object: string | undefined;
  rules: readonly string[];
}): string {
  // The books tell broken types apart by column: `type(quantity)`.
  const names = join(filter.rules.map((rule) => literal(rule)));
  const conditions = [
    ...(filter.datasets.length > 0
      ? [
          raw(
            `(${filter.datasets.map((d) => sql`r.dataset = ${literal(d)} OR starts_with(r.dataset, ${literal(`${d}.`)})`).join(' OR ')})`,
          ),
        ]
      : []),
    ...(filter.object !== undefined ? [raw(sql`r.object_id = ${literal(filter.object)}`)] : []),
    ...(filter.rules.length > 0
      ? [raw(sql`(r.rule IN (${names}) OR regexp_extract(r.rule, '^(type)[(]', 1) IN (${names}))`)]
      : []),
  ];
  const where = conditions.length > 0 ? raw(sql`WHERE ${join(conditions, ' AND ')}`) : raw('');
  return sql`
    SELECT r.dataset, o.name AS file, r.member, r.line, r.rule, r.column_name AS "column", r.reason, r.raw, r.object_id AS object
    FROM granary.rejects r LEFT JOIN granary.objects o ON o.id = r.object_id ${where}
    ORDER BY r.dataset, o.name, r.object_id, r.member, r.line, r.rule`;
}

/** Without the columns that are the same or empty throughout. */
async function printRejects(result: QueryResult, terminal: Terminal): Promise<void> {
  const rows: unknown[][] = [];
  for await (const batch of result.batches) rows.push(...batch);
  if (rows.length === 0) {
    terminal.line('There are no such rejects.');
    return;
  }
  const shown = result.columns.map((c, i) => c.name !== 'object' && rows.some((r) => r[i] !== null));
  const { columns, cells } = tableOf(
    result.columns.filter((_, i) => shown[i]),
    rows.map((r) => r.filter((_, i) => shown[i])),
    terminal.style.dim,
  );
  terminal.table(columns, cells);
  if (result.truncated()) terminal.line(terminal.style.dim('and more: --limit, or --to rejects.csv for all'));
}

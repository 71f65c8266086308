/** Why rows were refused: each rule with how often and one line of a file that broke it. */
import { cut, visible } from '../../../src/cli/terminal/style.ts';
import type { Terminal } from '../../../src/cli/terminal/terminal.ts';
import { formatCount } from '../../../src/lib/units.ts';
import type { Warehouse } from '../../../src/ports/warehouse.ts';
import { rowsOf } from './rows.ts';

const WIDTH = 100;

const BY_RULE = `
  SELECT r.dataset, r.rule, r.column_name, count(DISTINCT (r.object_id, r.member, r.line)) AS n,
    arg_min(o.name, (o.name, r.line)) AS file, min_by(r.line, (o.name, r.line)) AS line,
    arg_min(r.reason, (o.name, r.line)) AS reason, arg_min(r.raw, (o.name, r.line)) AS raw
  FROM granary.rejects r JOIN granary.objects o ON o.id = r.object_id
  WHERE r.severity <> 'warn'
  GROUP BY ALL ORDER BY n DESC, r.dataset, r.rule`;

export async function showRefused(warehouse: Warehouse, terminal: Terminal, most: number): Promise<void> {
  const { style } = terminal;
  const rules = await rowsOf(warehouse, BY_RULE);
  for (const r of rules.slice(0, most)) {
    const rows = formatCount(r.n as number).padStart(6);
    terminal.line(`${style.yellow(rows)}  ${style.bold(String(r.dataset))}  ${visible(String(r.reason))}`);
    terminal.line(style.dim(cut(`        ${r.file}:${r.line}  ${visible(String(r.raw ?? ''))}`, WIDTH)));
  }
  if (rules.length > most) terminal.line(style.dim(`        and ${rules.length - most} more: granary rejects`));
}

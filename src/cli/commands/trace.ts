/** `granary trace`. */
import { type Traced, trace } from '../../runtime/trace.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { ownerOf, withRuntime } from '../open.ts';
import { type Style, visible } from '../terminal/style.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const [table, ...words] = call.arguments;
  const owner = await ownerOf(call);
  const rows = owner
    ? await owner.get<Traced[]>('/v1/trace', { table: table!, key: words })
    : await withRuntime(call, (runtime) => trace(table!, words, runtime));
  terminal.document(rows);
  if (rows.length === 0) terminal.line(`${table} has no such row. It may have been rejected: granary rejects`);
  for (const [i, row] of rows.entries()) {
    if (i > 0) terminal.line();
    terminal.lines(rowLines(row, terminal.style));
  }
  return rows.length > 0 ? EXIT.ok : EXIT.failed;
}

function rowLines({ origin, object, line, member, row, deleted }: Traced, style: Style): string[] {
  const file = origin
    ? `${visible(origin.path)}${member ? ` › ${visible(member)}` : ''}, line ${line}`
    : `line ${line}`;
  const columns = Object.entries(row);
  const widest = Math.max(...columns.map(([name]) => name.length));
  return [
    `${style.bold(file)}${deleted ? ', which says that the row is deleted' : ''}`,
    `  ${style.dim('object')} ${object}${origin ? `${style.dim(', version ')}${origin.version}${style.dim(', landed ')}${origin.landedAt}` : ''}`,
    ...columns.map(
      ([name, value]) =>
        `  ${style.dim(name.padEnd(widest))}  ${value === null ? style.dim('null') : visible(typeof value === 'object' ? JSON.stringify(value) : String(value))}`,
    ),
  ];
}

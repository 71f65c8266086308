/** `granary expectations`: the board of a day. */
import { formatBytes, formatCount } from '../../lib/units.ts';
import { wallTime } from '../../model/time-zone.ts';
import { expectationRules } from '../../project/expectations.ts';
import { type BoardRow, boardOf } from '../../runtime/expectations/board.ts';
import { checkDatasets, shortName } from '../../runtime/names.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { dayOption } from '../day.ts';
import { withState } from '../open.ts';
import type { Style } from '../terminal/style.ts';
import type { Cell } from '../terminal/table.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal, options } = call;
  const date = dayOption('date', options.text('date'));
  const datasets = options.list('dataset');
  const { rows, expected } = await withState(call, async (context, project) => {
    checkDatasets(datasets, project);
    return { rows: await boardOf(context, date, datasets), expected: expectationRules(project).length };
  });
  terminal.document(rows);
  if (rows.length === 0) {
    const day = date ?? 'today';
    terminal.line(
      expected === 0
        ? 'Nothing is expected of any dataset: `expect: "06:00"` in a dataset says when it is due.'
        : `Nothing is due ${date === undefined ? day : `on ${day}`}.`,
    );
    return EXIT.ok;
  }
  printBoard(rows, call);
  return EXIT.ok;
}

function printBoard(rows: readonly BoardRow[], { terminal }: Call): void {
  const { style } = terminal;
  const zones = new Set(rows.map((r) => r.timeZone));
  const days = [...new Set(rows.map((r) => r.date))];
  terminal.line(`${style.bold(days.join(', '))}  ${summary(rows, style)}`);
  terminal.line();
  terminal.table(
    [
      { title: 'due' },
      { title: 'dataset' },
      { title: 'state' },
      { title: 'arrived' },
      { title: 'size', align: 'right' },
      { title: 'rows', align: 'right' },
      { title: 'usual', align: 'right' },
      { title: 'remark', flexible: true },
    ],
    rows.map((r) => [
      zones.size > 1 ? `${r.time} ${r.timeZone}` : r.time,
      shortName(r.dataset),
      stateCell(r, style),
      arrivedText(r),
      r.objects === 0 ? '' : formatBytes(r.bytes),
      r.rows === null ? '' : formatCount(r.rows),
      { text: r.usual ?? '', paint: style.dim },
      r.note ?? '',
    ]),
  );
  if (zones.size === 1) terminal.line(style.dim(`Times in ${[...zones][0]}.`));
  const open = rows.find((r) => r.state === 'missed' || r.state === 'late' || r.wrong);
  if (!open) return;
  const day = `--date ${open.date}`;
  terminal.line();
  terminal.line(
    `${style.dim('if that is right')} granary expectations forgive ${shortName(open.dataset)} ${day} --reason "…"`,
  );
}

/** Symbols besides colours: the board must be readable without them. */
const SYMBOL = { due: '·', arrived: '✓', late: '!', missed: '✗', forgiven: '–' };

function stateCell(row: BoardRow, style: Style): Cell {
  const { state, lateBy, wrong } = row;
  const text = wrong ? '! arrived' : lateBy > 0 ? '✓ arrived late' : `${SYMBOL[state]} ${state}`;
  const plain = (t: string) => t;
  const paint = {
    due: plain,
    arrived: wrong ? style.yellow : style.green,
    late: style.yellow,
    missed: style.red,
    forgiven: style.dim,
  };
  return { text, paint: paint[state] };
}

/** In the zone of the dataset; with the day when it is another one. */
function arrivedText({ arrivedAt, timeZone, date }: BoardRow): string {
  if (arrivedAt === null) return '';
  const wall = wallTime(Date.parse(arrivedAt), timeZone);
  const time = wall.time.slice(0, 5);
  return wall.date === date ? time : `${wall.date.slice(5)} ${time}`;
}

function summary(rows: readonly BoardRow[], style: Style): string {
  const of = (state: BoardRow['state']) => rows.filter((r) => r.state === state).length;
  const parts = [
    `${of('arrived')} of ${rows.length} arrived`,
    of('due') > 0 && `${of('due')} due`,
    of('late') > 0 && style.yellow(`${of('late')} late`),
    of('missed') > 0 && style.red(`${of('missed')} missed`),
    of('forgiven') > 0 && `${of('forgiven')} forgiven`,
    rows.some((r) => r.wrong) && style.yellow(`${rows.filter((r) => r.wrong).length} unusual`),
  ];
  return parts.filter(Boolean).join(', ');
}

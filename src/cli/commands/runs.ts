/** `granary runs`. */
import { formatCount, formatSeconds } from '../../lib/units.ts';
import { findRuns } from '../../runtime/inventory.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { withState } from '../open.ts';

const LIMIT = 20;

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal, options } = call;
  const { style } = terminal;
  const runs = await withState(call, (context) => findRuns(options.count('limit') ?? LIMIT, context));
  terminal.document(runs);
  if (runs.length === 0) {
    terminal.line('Nothing has run yet.');
    return EXIT.ok;
  }
  const paint = { succeeded: style.green, failed: style.red, interrupted: style.yellow, running: style.cyan };
  terminal.table(
    [
      { title: 'run' },
      { title: 'started' },
      { title: 'took', align: 'right' },
      { title: 'status' },
      { title: 'landed', align: 'right' },
      { title: 'received', align: 'right' },
      { title: 'loaded', align: 'right' },
      { title: 'rejected', align: 'right' },
      { title: 'quarantined', align: 'right' },
      { title: 'command', flexible: true },
    ],
    runs.map((r) => [
      r.id,
      r.startedAt.slice(0, 19).replace('T', ' '),
      r.endedAt ? formatSeconds((Date.parse(r.endedAt) - Date.parse(r.startedAt)) / 1000) : '',
      { text: r.status, paint: paint[r.status] },
      formatCount(r.landed),
      formatCount(r.totals.received),
      formatCount(r.totals.loaded),
      formatCount(r.totals.rejected),
      formatCount(r.quarantined),
      r.command,
    ]),
  );
  for (const e of runs[0]!.errors) terminal.line(`${style.red('✗')} ${e.message}`);
  return EXIT.ok;
}

/** The attempts at one file, from the history of the run that landed it. */
import { cut, visible } from '../../../src/cli/terminal/style.ts';
import type { Cell } from '../../../src/cli/terminal/table.ts';
import type { Terminal } from '../../../src/cli/terminal/terminal.ts';
import { formatCount } from '../../../src/lib/units.ts';
import { wallTime } from '../../../src/model/time-zone.ts';
import type { HistoryEvent } from '../../../src/ports/orchestrator.ts';
import type { Up } from '../owner.ts';

export interface Attempt {
  number: number;
  /** Milliseconds since 1970. */
  at: number;
  /** Undefined for the one that went well. */
  error: string | undefined;
}

const WIDTH = 78;
const ALL = 100_000;

export async function showAttempts(file: string, owner: Up, terminal: Terminal): Promise<void> {
  const { style } = terminal;
  const from = owner.resumedAt.get(file) ?? 0;
  const landed = from > 0 ? `landed ✓ from byte ${formatCount(from)} on` : 'landed ✓';
  for (const { id, pipeline } of owner.runs) {
    const attempts = attemptsAt(file, await owner.operations.history(id, { limit: ALL }));
    if (attempts.length === 0) continue;
    terminal.line(`  ${style.dim(`From the history of run ${id} of ${pipeline}:`)}`);
    terminal.table(
      [{ title: 'try', align: 'right' }, { title: 'at' }, { title: 'what became of it' }],
      attempts.map(({ number, at, error }): Cell[] => [
        String(number),
        wallTime(at, owner.runtime.project.config.time_zone).time,
        error === undefined ? { text: landed, paint: style.green } : brief(error),
      ]),
      2,
    );
    return;
  }
  throw new Error(`No run has landed ${file}.`);
}

/** Without server and file, which are named above. */
function brief(message: string): string {
  return cut(visible(message.replace(/^ftp:\S+ /, '').replace(/,? while reading "[^"]*"/, '')), WIDTH);
}

/** Pure. `history`: of the machine of a run; each file has a path of its own in it. */
export function attemptsAt(file: string, history: readonly HistoryEvent[]): Attempt[] {
  const own = history.find((e) => e.type === 'TaskStateEntered' && pathOf(e)?.endsWith(file));
  if (!own) return [];
  const events = history.filter((e) => e.path === own.path && e.state === own.state);
  const failures = events.filter((e) => e.type === 'TaskFailed');
  const starts = events.filter((e) => e.type === 'TaskStarted');
  return starts.map(({ at }, i) => ({ number: i + 1, at, error: failures[i] && messageOf(failures[i]) }));
}

function pathOf({ details }: HistoryEvent): string | undefined {
  return (details as { input?: { item?: { file?: { path?: string } } } }).input?.item?.file?.path;
}

/** `cause` is what Lambda gives: JSON with the message in it. */
function messageOf({ details }: HistoryEvent): string {
  const { cause } = details as { cause: string };
  return (JSON.parse(cause) as { errorMessage: string }).errorMessage;
}

/** What every scene works with: the people and machines of the story, and how a scene begins and waits. */
import type { Terminal } from '../../../src/cli/terminal/terminal.ts';
import { NOTIFICATIONS } from '../../../src/model/notifications.ts';
import { type DatasetBooks, findBooks, sumByDataset } from '../../../src/runtime/books.ts';
import { findObjects } from '../../../src/runtime/inventory.ts';
import type { StoryClock } from '../clock.ts';
import type { Deliveries, ExpectedBooks } from '../generate/deliveries.ts';
import type { Mail } from '../mail/message.ts';
import { type Up, until } from '../owner.ts';
import type { Servers } from '../setup.ts';
import { differences } from '../show/expected.ts';

export interface Scene {
  /** Of the project; absolute. */
  dir: string;
  terminal: Terminal;
  clock: StoryClock;
  servers: Servers;
  deliveries: Deliveries;
  owner: Up;
}

const WIDTH = 98;
/** `group_for`, as it is when nobody says anything else. */
const GROUPED_MS = 120_000;
/** A file that is on its way has been found by then. */
const IDLE_MS = 30_000;

export function chapter(terminal: Terminal, title: string, text: readonly string[]): void {
  const { style } = terminal;
  terminal.line();
  terminal.line(style.bold(`── ${title} ${'─'.repeat(WIDTH - 4 - title.length)}`));
  terminal.lines(text);
}

export async function booksOf({ owner }: Scene): Promise<DatasetBooks[]> {
  return sumByDataset(await findBooks({}, owner.runtime.context));
}

/** A line each, by name: what is held and why. */
export async function tellQuarantine({ owner, terminal }: Scene): Promise<void> {
  const held = await findObjects({ statuses: ['quarantined'] }, owner.runtime.context);
  for (const { file, reasons } of held.sort((a, b) => (a.file < b.file ? -1 : 1)))
    terminal.line(`  ${file}  ${terminal.style.dim(reasons.map((r) => r.message).join(' '))}`);
}

/** Until the books are as the generator knows them, and nothing runs any more. Errors: what is different, when it stays so. */
export async function untilBooks(scene: Scene, expected: ExpectedBooks): Promise<void> {
  const { owner } = scene;
  let wrong: string[] = [];
  let idleSince: number | undefined;
  await until('the books are complete', async () => {
    wrong = differences(expected, await booksOf(scene));
    const isIdle = await owner.isIdle();
    if (wrong.length === 0 && isIdle) return true;
    idleSince = isIdle ? (idleSince ?? performance.now()) : undefined;
    if (idleSince === undefined || performance.now() - idleSince < IDLE_MS) return false;
    const errors = owner.runs.flatMap((run) => run.errors.map((error) => `${run.pipeline}: ${error.message}`));
    throw new Error(['Nothing runs, and the books are wrong:', ...wrong, ...errors, ...owner.problems].join('\n'));
  });
}

/** The next mail. Messages about a problem wait for two minutes for more of it: the clock is set forward. */
export async function nextMail({ owner, clock, servers }: Scene, number: number): Promise<Mail> {
  const { state } = owner.runtime.context;
  const { mails } = servers.mail;
  await until(`mail ${number}`, async () => {
    if (mails.length >= number) return true;
    for await (const _ of state.query(NOTIFICATIONS, { index: 'status', equals: ['pending'] })) {
      clock.forwardTo(new Date(clock.now() + GROUPED_MS).toISOString());
      break;
    }
    return false;
  });
  return mails[number - 1]!;
}

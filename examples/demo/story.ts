/** The demo: two nights of a retailer, a repair, a trace, three questions. Told on the terminal as it happens. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { booksTable } from '../../src/cli/books-table.ts';
import { emptyLog, record } from '../../src/cli/run-log.ts';
import { printSummary } from '../../src/cli/run-summary.ts';
import type { Terminal } from '../../src/cli/terminal/terminal.ts';
import { formatBytes, formatCount } from '../../src/lib/units.ts';
import { findBooks, sumByDataset } from '../../src/runtime/books.ts';
import { findObjects } from '../../src/runtime/inventory.ts';
import { replay } from '../../src/runtime/replay.ts';
import { type RunRequest, run } from '../../src/runtime/run.ts';
import { openRuntime, type Runtime } from '../../src/runtime/runtime.ts';
import { type Deliveries, type Delivery, type ExpectedBooks, MISHAPS, makeDeliveries } from './generate/deliveries.ts';
import { deliver, makeFolder, SECRETS, serve } from './setup.ts';
import { proveBooks } from './show/expected.ts';
import { showQuestions } from './show/questions.ts';
import { showRefused } from './show/refused.ts';
import { showTrace } from './show/traced.ts';

export interface DemoOptions {
  /** Absolute. Made anew. */
  dir: string;
  terminal: Terminal;
}

/** Resolves, at the end of the story, to what stops the embedded FTP server. */
export async function tell({ dir, terminal }: DemoOptions): Promise<{ close(): Promise<void> }> {
  const { style } = terminal;
  terminal.line(style.bold('Marlow: twelve bookshops, a webshop and an academy, 2 to 15 November 2026'));
  const deliveries = await makeDeliveries(SECRETS.CRM_PASSPHRASE);
  await makeFolder(dir);
  const server = await serve(dir);
  try {
    await nights(dir, server.port, deliveries, terminal);
    await repair(dir, deliveries.expected.afterReplay, terminal);
    return server;
  } catch (e) {
    await server.close();
    throw e;
  }
}

async function nights(dir: string, port: number, deliveries: Deliveries, terminal: Terminal): Promise<void> {
  const [first, second] = deliveries.nights;
  await withRuntime(dir, terminal, async (runtime) => {
    chapter(terminal, 'The first night', [
      `${contents(first)} lie on an FTP server (port ${port}) and in folders: till lines in`,
      'Windows-1252 and gzip, nested NDJSON, zipped CSV, fixed-width prices, a spreadsheet, customers',
      'under OpenPGP.',
      `${MISHAPS.beingWritten}.part is still being written: it is left alone.`,
    ]);
    await deliver(first, dir);
    await runAndSum(runtime, terminal, { command: 'granary run' });
    await prove(runtime, deliveries.expected.firstNight, terminal);
    terminal.heading('One line of each kind that was refused');
    await showRefused(runtime.context.warehouse, terminal, 8);

    chapter(terminal, 'The second night', [
      `${MISHAPS.late} comes ten days late, and ${MISHAPS.latePriceList} too:`,
      'newer prices are there already, and stay. One file is sent twice, under two names.',
      `${MISHAPS.cutOff} is sent again, whole; ${MISHAPS.corrected} again, with München in it.`,
      `${MISHAPS.beingWritten} was still being written, and is complete now.`,
    ]);
    await deliver(second, dir);
    await runAndSum(runtime, terminal, { command: 'granary run' });
    await prove(runtime, deliveries.expected.secondNight, terminal);
  });
}

async function repair(dir: string, expected: ExpectedBooks, terminal: Terminal): Promise<void> {
  const { style } = terminal;
  const file = join(dir, 'sources', 'academy.yaml');
  const before = 'max_rows: 10000';
  const after = 'max_rows: 50000';
  chapter(terminal, 'A repair', [
    `${MISHAPS.openDay} is held for its size. But on that Sunday all courses were free:`,
    'the limit was wrong, not the file. So the limit is raised, and the file replayed.',
  ]);
  terminal.line(`  ${style.dim('sources/academy.yaml')}`);
  terminal.line(`  ${style.red(`-      ${before}`)}`);
  terminal.line(`  ${style.green(`+      ${after}`)}`);
  const yaml = await readFile(file, 'utf8');
  await writeFile(file, yaml.replace(before, after));
  await withRuntime(dir, terminal, async (runtime) => {
    await replay({ objects: [MISHAPS.openDay] }, runtime.context);
    await runAndSum(runtime, terminal, { command: `granary replay ${MISHAPS.openDay}`, skipCollect: true });
    await prove(runtime, expected, terminal);

    await outcome(runtime, terminal);
  });
}

async function outcome(runtime: Runtime, terminal: Terminal): Promise<void> {
  terminal.heading('The books of all three runs, as the tables stand');
  booksTable(sumByDataset(await findBooks({}, runtime.context)), terminal);
  terminal.heading('Still in quarantine, for you');
  for (const object of await findObjects({ statuses: ['quarantined'] }, runtime.context))
    terminal.line(`  ${object.file}  ${terminal.style.dim(object.reasons.map((r) => r.message).join(' '))}`);

  chapter(terminal, 'From a number back to its file', ['The dearest article that was returned in these two weeks.']);
  await showTrace(runtime, terminal);

  chapter(terminal, 'Three questions', []);
  await showQuestions(runtime.context.warehouse, terminal);
}

async function withRuntime(dir: string, terminal: Terminal, use: (runtime: Runtime) => Promise<void>): Promise<void> {
  const runtime = await openRuntime({ dir, command: 'npm run demo', onProgress: (p) => terminal.bars.update(p) });
  try {
    await use(runtime);
  } finally {
    terminal.bars.clear();
    await runtime.close();
  }
}

async function runAndSum(runtime: Runtime, terminal: Terminal, request: Omit<RunRequest, 'onEvent'>): Promise<void> {
  const log = emptyLog();
  terminal.line();
  terminal.line(`  ${terminal.style.cyan(request.command)}`);
  const doc = await run(runtime, { ...request, onEvent: (event) => record(log, event) });
  terminal.bars.clear();
  printSummary({ run: doc, log, books: await findBooks({ run: doc.id }, runtime.context) }, terminal);
}

async function prove(runtime: Runtime, expected: ExpectedBooks, terminal: Terminal): Promise<void> {
  terminal.line();
  proveBooks(expected, sumByDataset(await findBooks({}, runtime.context)), terminal);
}

function chapter(terminal: Terminal, title: string, text: readonly string[]): void {
  const { style } = terminal;
  terminal.line();
  terminal.line(style.bold(`── ${title} ${'─'.repeat(Math.max(0, 92 - title.length))}`));
  for (const line of text) terminal.line(line);
}

function contents({ write }: Delivery): string {
  return `${formatCount(write.length)} files, ${formatBytes(write.reduce((n, f) => n + f.bytes.length, 0))},`;
}

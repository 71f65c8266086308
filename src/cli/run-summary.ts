/** The summary of a run: the books by dataset, what was refused and why, and what to do next. */

import { formatBytes, formatCount, formatSeconds } from '../lib/units.ts';
import type { BooksDoc } from '../model/books.ts';
import { difference } from '../model/books.ts';
import type { RunDoc } from '../model/runs.ts';
import { type DatasetBooks, sumByDataset } from '../runtime/books.ts';
import { shortName } from '../runtime/names.ts';
import { booksTable } from './books-table.ts';
import type { RunLog } from './run-log.ts';
import { visible } from './terminal/style.ts';
import type { Terminal } from './terminal/terminal.ts';

export interface RunSummary {
  run: RunDoc;
  log: RunLog;
  /** Entries of the run. */
  books: BooksDoc[];
}

const TOP_RULES = 10;
const SHOWN = 10;
/** Below this a rate tells how long a start takes. */
const ENOUGH_FOR_A_RATE = 100_000;
export const SHORT_ID = 8;

/** For `--json`. */
export function summaryDocument({ run, log, books }: RunSummary): object {
  return {
    run,
    datasets: sumByDataset(books).map((d) => ({ ...d, dataset: shortName(d.dataset), balanced: difference(d) === 0 })),
    landed: log.landed,
    quarantined: log.quarantined.map(({ object, reasons }) => ({
      object: object.id,
      dataset: shortName(object.dataset),
      file: object.file,
      reasons,
    })),
    resent: log.resent.map((o) => ({
      object: o.id,
      dataset: shortName(o.dataset),
      file: o.file,
      version: o.version,
      supersedes: o.supersedes,
    })),
    duplicates: log.duplicates.map(({ object, records }) => ({
      object: object.id,
      dataset: shortName(object.dataset),
      file: object.file,
      duplicateOf: object.duplicateOf,
      records,
    })),
    waiting: log.waiting,
    unclaimed: log.unclaimed,
    failed: log.failed,
  };
}

export function printSummary(summary: RunSummary, terminal: Terminal): void {
  const { log, books } = summary;
  const datasets = sumByDataset(books);
  printOutcome(summary, terminal);
  if (datasets.length > 0) {
    terminal.line();
    booksTable(datasets, terminal);
  }
  printRefused(datasets, terminal);
  printQuarantined(log, terminal);
  printResent(log, terminal);
  printNotTaken(log, terminal);
  printFailed(log, terminal);
}

function printOutcome({ run, log, books }: RunSummary, terminal: Terminal): void {
  const { style } = terminal;
  const seconds = (Date.parse(run.endedAt!) - Date.parse(run.startedAt)) / 1000;
  const outcome = { succeeded: style.green, failed: style.red, interrupted: style.yellow, running: style.dim }[
    run.status
  ](run.status);
  const rows = run.totals.received;
  const facts = [
    log.landed.files > 0 &&
      `${formatCount(log.landed.files)} ${log.landed.files === 1 ? 'file' : 'files'} landed, ${formatBytes(log.landed.bytes)}`,
    log.landed.resumed > 0 && `${formatCount(log.landed.resumed)} resumed`,
    rows > 0 && `${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}`,
    rows >= ENOUGH_FOR_A_RATE && `${formatCount(Math.round(rows / seconds))} rows/s`,
    run.status === 'succeeded' && log.landed.files === 0 && books.length === 0 && 'nothing new',
  ].filter((f) => f !== false);
  terminal.line();
  terminal.line(
    `${style.bold('Run')} ${run.id} ${outcome} in ${formatSeconds(seconds)}${facts.map((f) => `  ·  ${f}`).join('')}`,
  );
  if (run.status === 'interrupted')
    terminal.line('Nothing is lost: the next `granary run` goes on where this one stopped.');
}

function printRefused(datasets: readonly DatasetBooks[], terminal: Terminal): void {
  const rules = datasets
    .flatMap((d) => Object.entries(d.byRule).map(([rule, r]) => ({ dataset: shortName(d.dataset), rule, ...r })))
    .filter((r) => r.rows > 0 && r.severity in WHAT_HAPPENS)
    .sort((a, b) => b.rows - a.rows);
  if (rules.length === 0) return;
  const { style } = terminal;
  terminal.heading('Refused rows, and warnings');
  terminal.table(
    [
      { title: 'rows', align: 'right' },
      { title: 'rule', flexible: true },
      { title: 'dataset' },
      { title: 'what happened' },
    ],
    rules
      .slice(0, TOP_RULES)
      .map((r) => [
        formatCount(r.rows),
        r.rule,
        r.dataset,
        { text: WHAT_HAPPENS[r.severity]!, paint: isRefusal(r.severity) ? style.yellow : style.dim },
      ]),
    2,
  );
  if (rules.length > TOP_RULES)
    terminal.line(style.dim(`  and ${rules.length - TOP_RULES} more rules: granary books --run last`));
  const worst = rules.find((r) => isRefusal(r.severity));
  if (worst) next(terminal, `granary rejects --dataset ${worst.dataset} --rule ${quoted(worst.rule)}`);
}

/** By severity. What was filtered, or is a duplicate, is in the books and needs no explanation. */
const WHAT_HAPPENS: Record<string, string> = {
  reject: 'rejected',
  quarantine: 'rejected',
  warn: 'loaded, with a warning',
  null: 'loaded, without a match',
};
const isRefusal = (severity: string) => severity === 'reject' || severity === 'quarantine';

function printQuarantined({ quarantined }: RunLog, terminal: Terminal): void {
  if (quarantined.length === 0) return;
  terminal.heading(`In quarantine: ${quarantined.length}`);
  for (const { object, reasons } of quarantined.slice(0, SHOWN)) {
    terminal.line(
      `  ${terminal.style.yellow(object.id.slice(0, SHORT_ID))}  ${shortName(object.dataset)}  ${visible(object.file)}  ${formatBytes(object.bytes)}`,
    );
    for (const r of reasons) terminal.line(`      ${terminal.style.dim(r.code)}  ${visible(r.message)}`);
  }
  more(terminal, quarantined.length - SHOWN, 'granary quarantine list');
  next(terminal, `granary quarantine show ${quarantined[0]!.object.id.slice(0, SHORT_ID)}`);
}

function printResent({ resent, duplicates }: RunLog, terminal: Terminal): void {
  if (resent.length > 0) terminal.heading('Sent again');
  for (const o of resent.slice(0, SHOWN))
    terminal.line(`  ${visible(o.file)}: version ${o.version} takes the place of version ${o.version - 1}`);
  more(terminal, resent.length - SHOWN, 'granary objects');
  if (duplicates.length > 0) terminal.heading('The same bytes as an earlier file');
  for (const { object, records } of duplicates.slice(0, SHOWN))
    terminal.line(`  ${visible(object.file)}: its ${formatCount(records)} rows count as deduplicated`);
  more(terminal, duplicates.length - SHOWN, 'granary objects --status duplicate');
}

function printNotTaken({ waiting, unclaimed }: RunLog, terminal: Terminal): void {
  const { dim } = terminal.style;
  if (waiting.files.length > 0) terminal.heading('Not taken yet');
  for (const w of waiting.files.slice(0, SHOWN)) terminal.line(`  ${w.source}  ${visible(w.path)}  ${dim(w.reason)}`);
  more(terminal, waiting.more + waiting.files.length - SHOWN);
  if (unclaimed.files.length > 0) terminal.heading('Files that no dataset takes');
  for (const u of unclaimed.files.slice(0, SHOWN)) terminal.line(`  ${u.source}  ${visible(u.path)}`);
  more(terminal, unclaimed.more + unclaimed.files.length - SHOWN);
}

function printFailed({ failed }: RunLog, terminal: Terminal): void {
  if (failed.length === 0) return;
  terminal.heading(`Failed: ${failed.length}`);
  for (const { what, error } of failed.slice(0, SHOWN)) {
    terminal.line(`  ${terminal.style.red('✗')} ${visible(what)}`);
    terminal.line(`      ${error.message}`);
    if (error.hint) terminal.line(`      ${terminal.style.dim(error.hint)}`);
    terminal.line(`      ${terminal.style.dim(`code ${error.code}`)}`);
  }
  more(terminal, failed.length - SHOWN, 'granary runs --json');
}

function more(terminal: Terminal, count: number, command?: string): void {
  if (count > 0) terminal.line(terminal.style.dim(`  and ${formatCount(count)} more${command ? `: ${command}` : ''}`));
}

function next(terminal: Terminal, command: string): void {
  terminal.line(`  ${terminal.style.dim('see')} ${command}`);
}

/** A word as a shell reads it back. */
function quoted(word: string): string {
  return /^[\w.,:@%+/-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** `granary torture`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatCount, formatSeconds, plural } from '../../lib/units.ts';
import { openProject } from '../../runtime/context.ts';
import { type TortureReport, torture } from '../../torture/torture.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { projectOptions } from '../open.ts';
import type { Terminal } from '../terminal/terminal.ts';

const KILLS = 20;

export async function execute(call: Call): Promise<ExitCode> {
  const { options, terminal } = call;
  const { project } = await openProject(await projectOptions(call));
  const folder = await mkdtemp(join(tmpdir(), 'granary-torture-'));
  try {
    const report = await torture({
      project,
      program: process.argv[1]!,
      folder,
      kills: options.count('kills') ?? KILLS,
      cuts: !options.on('no-cuts'),
      disk: !options.on('no-disk'),
      seed: options.count('seed') ?? Math.floor(Math.random() * 1e9),
      onProgress: (text) => terminal.note(text),
      signal: call.signal,
    });
    terminal.document(report);
    tell(report, terminal);
    return report.differences.length === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    if (options.on('keep')) terminal.note(`The copies are in ${folder}.`);
    else await rm(folder, { recursive: true, force: true });
  }
}

function tell(report: TortureReport, terminal: Terminal): void {
  const { style } = terminal;
  terminal.line(
    `${plural(report.kills, 'kill')} (${report.workersKilled} of workers) in ${plural(report.rounds, 'pass').replace(/passs$/, 'passes')}; undisturbed it takes ${formatSeconds(report.undisturbedMs / 1000)}. Seed ${report.seed}.`,
  );
  for (const left of report.left) terminal.line(style.yellow(`not done: ${left}`));
  if (report.differences.length === 0) {
    terminal.line(
      style.green(
        `✓ ${formatCount(report.rows)} rows in ${report.tables} tables are those of the undisturbed run, and the books balance.`,
      ),
    );
    return;
  }
  terminal.line(style.red('✗ Not equal:'));
  for (const d of report.differences) terminal.line(`  ${d}`);
}

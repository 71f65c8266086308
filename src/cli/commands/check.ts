/** `granary check`. */

import { GranaryError } from '../../lib/errors.ts';
import { formatCount, formatSeconds } from '../../lib/units.ts';
import { checkMachines } from '../../project/machines/check.ts';
import type { Project } from '../../project/project.ts';
import { openProject } from '../../runtime/context.ts';
import { type Probe, probe } from '../../runtime/probe.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { projectOptions } from '../open.ts';
import { problemLine } from '../terminal/errors.ts';
import type { Terminal } from '../terminal/terminal.ts';

const AT_ONCE = 8;

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal, options, signal } = call;
  const { style } = terminal;
  const { project, warnings } = await openProject(await projectOptions(call));
  for (const w of warnings) terminal.line(problemLine(w, style.yellow('warning'), style));
  refuseMachines(project);
  const datasets = [...project.sources.values()].reduce((n, s) => n + s.datasets.size, 0);
  const found =
    warnings.length === 0 ? style.green('no problems') : `no problems, ${counted(warnings.length, 'warning')}`;
  terminal.line(
    `${style.bold(project.config.name)}: ${counted(project.sources.size, 'source')}, ${counted(datasets, 'dataset')}, ${found}`,
  );
  const probes = options.on('connect') ? await probeAll(project, signal) : undefined;
  if (probes) printProbes(probes, terminal);
  terminal.document({
    project: project.config.name,
    sources: project.sources.size,
    datasets,
    problems: [],
    warnings,
    ...(probes && { connections: probes }),
  });
  return probes?.some((p) => p.error) ? EXIT.failed : EXIT.ok;
}

/** Errors: `config.machine`. */
function refuseMachines(project: Project): void {
  const findings = checkMachines(project);
  if (findings.length === 0) return;
  const lines = findings.map(({ machine, path, message }) => `${machine} ${path}: ${message}`);
  throw new GranaryError('config.machine', ['The machines of the project would not run:', ...lines].join('\n'), {
    hint: 'Split the pipeline in two, under `pipelines`; `granary machine show <name> --json` shows the document',
    details: { findings },
  });
}

const counted = (n: number, word: string) => `${formatCount(n)} ${word}${n === 1 ? '' : 's'}`;

async function probeAll(project: Project, signal: AbortSignal): Promise<Probe[]> {
  const sources = [...project.sources.values()];
  const out: Probe[] = [];
  const queue = sources.entries();
  const work = async () => {
    for (const [i, source] of queue) out[i] = await probe(source, project, signal);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return out;
}

function printProbes(probes: readonly Probe[], terminal: Terminal): void {
  const { style } = terminal;
  terminal.heading('Connections');
  const time = (ms: number) => formatSeconds(ms / 1000);
  terminal.table(
    [
      { title: 'source' },
      { title: 'connector' },
      { title: 'opened in', align: 'right' },
      { title: 'listed in', align: 'right' },
      { title: 'files', align: 'right' },
      { title: 'taken by', flexible: true },
    ],
    probes.map((p) => {
      const taken = Object.entries(p.datasets)
        .map(([name, n]) => `${name} ${formatCount(n)}`)
        .join(', ');
      const numbers = p.error ? ['', '', ''] : [time(p.openMs), time(p.listMs), formatCount(p.files)];
      return [
        p.error ? { text: `✗ ${p.source}`, paint: style.red } : { text: `✓ ${p.source}`, paint: style.green },
        p.connector,
        ...numbers,
        taken,
      ];
    }),
  );
  for (const { source, error } of probes) {
    if (!error) continue;
    terminal.line();
    terminal.line(`${style.red(source)}: ${error.message}`);
    if (error.hint) terminal.line(`  ${style.dim('hint')} ${error.hint}`);
    terminal.line(`  ${style.dim(`code ${error.code}`)}`);
  }
}

/** `granary status`. */
import { formatBytes, formatCount, formatSeconds } from '../../lib/units.ts';
import { readHolder } from '../../runtime/lock.ts';
import { shortName } from '../../runtime/names.ts';
import type { PipelineStatus, RunningRun, Status } from '../../runtime/operations.ts';
import { statusOf } from '../../runtime/status.ts';
import { productVersion } from '../../runtime/version.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { ownerOf, withState } from '../open.ts';
import { type Style, visible } from '../terminal/style.ts';
import type { Cell } from '../terminal/table.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal, options } = call;
  const owner = await ownerOf(call);
  const status = owner
    ? await owner.get<Status>('/v1/status')
    : await withState(call, async (context, project) =>
        statusOf(context, await productVersion(), { owner: await readHolder(project.dataDir) }),
      );
  if (options.on('health')) {
    terminal.document(status.readiness);
    terminal.lines(status.readiness.ready ? ['ready'] : status.readiness.reasons);
    return status.readiness.ready ? EXIT.ok : EXIT.failed;
  }
  terminal.document(status);
  if (!terminal.json) tell(call, status);
  return EXIT.ok;
}

/** What is wrong comes first: it is read at night. */
function tell({ terminal, options }: Call, status: Status): void {
  const { style } = terminal;
  const now = Date.parse(status.at);
  terminal.line(headline(status, now, style));
  const wrong = troubles(status, now, style);
  if (wrong.length > 0) {
    terminal.heading('Needs attention');
    terminal.lines(wrong);
  }
  if (status.running.length > 0) {
    terminal.heading('Running');
    terminal.lines(status.running.flatMap((r) => runningLines(r, now, style)));
  }
  const shown = status.pipelines.filter((p) => options.on('all') || isOfInterest(p));
  if (shown.length > 0) {
    terminal.heading('Pipelines');
    terminal.table(
      [
        { title: 'pipeline' },
        { title: 'schedule', flexible: true },
        { title: 'next' },
        { title: 'last' },
        { title: 'when' },
        { title: 'loaded', align: 'right' },
        { title: 'rejected', align: 'right' },
      ],
      shown.map((p) => pipelineCells(p, now, style)),
    );
  }
  if (wrong.length === 0 && shown.every((p) => p.last === null)) terminal.line('Nothing has run yet: granary run');
}

function headline({ project, environment, owner, readiness, disk }: Status, now: number, style: Style): string {
  const name = style.bold(environment ? `${project} (${environment})` : project);
  const state = !owner
    ? style.yellow('nothing runs; `granary up` starts it')
    : readiness.ready
      ? `${style.green('up')} for ${age(owner.since, now)} ${style.dim(`process ${owner.pid} on ${owner.host}`)}`
      : `${style.cyan(visible(owner.command))} ${style.dim(`process ${owner.pid} on ${owner.host}, for ${age(owner.since, now)}`)}`;
  return `${name}  ${state}  ${style.dim(`${formatBytes(disk.free)} free`)}`;
}

function troubles(status: Status, now: number, style: Style): string[] {
  const { deadLetters, late, behind, pipelines, quarantined, disk, owner, readiness } = status;
  const out: string[] = [];
  if (owner && !readiness.ready)
    out.push(...readiness.reasons.filter(() => owner.command.includes(' up')).map((r) => `${style.red('✗')} ${r}`));
  if (disk.free < 0.05 * disk.total)
    out.push(`${style.red('✗')} The disk is nearly full: ${formatBytes(disk.free)} free.`);
  for (const p of pipelines)
    if (p.last?.status === 'failed' && p.running.length === 0) {
      const ago = p.last.endedAt ? `, ${age(p.last.endedAt, now)} ago` : '';
      out.push(
        `${style.red('✗')} ${p.name} failed${ago}: ${visible(p.last.error ?? 'see the run')}`,
        hint(`granary runs show ${p.last.run}`, style),
      );
    }
  for (const l of late)
    out.push(
      `${l.state === 'missed' ? style.red('✗') : style.yellow('!')} ${shortName(l.dataset)} of ${l.date}: ${l.note ?? `${l.state}: due ${age(l.due, now)} ago`}`,
    );
  if (late.length > 0) out.push(hint('granary expectations', style));
  for (const { source, since, problem } of behind)
    out.push(`${style.red('✗')} ${source} is behind, for ${age(since, now)}: ${visible(problem)}`);
  if (deadLetters.open > 0) {
    out.push(
      `${style.red('✗')} ${formatCount(deadLetters.open)} ${deadLetters.open === 1 ? 'dead letter' : 'dead letters'}`,
    );
    for (const d of deadLetters.newest.slice(0, 3))
      out.push(style.dim(`    ${d.id.slice(0, 8)}  ${visible(d.name)}  ${visible(d.reason)}`));
    out.push(hint('granary dlq list', style));
  }
  if (quarantined > 0)
    out.push(
      `${style.yellow('!')} ${formatCount(quarantined)} ${quarantined === 1 ? 'object is' : 'objects are'} in quarantine`,
      hint('granary quarantine list', style),
    );
  for (const p of pipelines)
    if (p.paused) out.push(`${style.yellow('!')} ${p.name} is paused`, hint(`granary resume ${p.name}`, style));
  return out;
}

const hint = (command: string, style: Style) => `    ${style.dim(command)}`;

function runningLines({ run, pipeline, trigger, startedAt, steps }: RunningRun, now: number, style: Style): string[] {
  const by = new Map<string, number>();
  for (const s of steps) by.set(s.state, (by.get(s.state) ?? 0) + 1);
  const where = [...by].map(([state, n]) => (n > 1 ? `${state} ×${n}` : state)).join(', ');
  const retries = steps.filter((s) => s.attempt > 1).length;
  return [
    `${style.cyan('▸')} ${style.bold(pipeline)}  for ${age(startedAt, now)}  ${style.dim(`${run}, ${trigger}`)}`,
    ...(where ? [`    ${where}${retries > 0 ? style.yellow(`, ${retries} tried again`) : ''}`] : []),
  ];
}

/** The pipelines of single sources and datasets are many: those that nothing starts and nobody has started are left out. */
function isOfInterest({ schedule, next, last, running, paused, name }: PipelineStatus): boolean {
  return (
    name === 'daily' ||
    paused ||
    next !== null ||
    last !== null ||
    running.length > 0 ||
    !['', 'manual'].includes(schedule)
  );
}

function pipelineCells(
  { name, schedule, next, last, running, queued, paused }: PipelineStatus,
  now: number,
  style: Style,
): Cell[] {
  const paint = { succeeded: style.green, failed: style.red, interrupted: style.yellow, running: style.cyan };
  const coming = paused
    ? { text: 'paused', paint: style.yellow }
    : next === null
      ? ''
      : Date.parse(next) <= now
        ? 'now'
        : `in ${formatSeconds((Date.parse(next) - now) / 1000)}`;
  const state: Cell =
    running.length > 0
      ? { text: `running${queued > 0 ? `, ${queued} wait` : ''}`, paint: style.cyan }
      : last
        ? { text: last.status, paint: paint[last.status] }
        : { text: 'not yet', paint: style.dim };
  return [
    name,
    schedule,
    coming,
    state,
    last?.endedAt ? `${age(last.endedAt, now)} ago` : '',
    last ? formatCount(last.loaded) : '',
    last ? formatCount(last.rejected) : '',
  ];
}

function age(at: string, now: number): string {
  return formatSeconds(Math.max(0, (now - Date.parse(at)) / 1000));
}

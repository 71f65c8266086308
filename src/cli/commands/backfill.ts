/** `granary backfill`. */
import { GranaryError } from '../../lib/errors.ts';
import { formatBytes, plural } from '../../lib/units.ts';
import type { Dataset, Project } from '../../project/project.ts';
import { type BackfillPlan, executeBackfill, isEmpty, planBackfill } from '../../runtime/backfill.ts';
import { checkDatasets, shortName } from '../../runtime/names.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { ownerOf, withRuntime, withState } from '../open.ts';
import { followAndTell, processAndTell } from '../processing.ts';
import type { Terminal } from '../terminal/terminal.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal, options } = call;
  const from = options.text('from');
  if (from === undefined)
    throw new GranaryError('cli.usage', '--from is missing: the first day', {
      hint: `granary backfill ${call.arguments[0]} --from 2026-11-01`,
    });
  const to = options.text('to') ?? new Date().toISOString().slice(0, 10);
  const plan = await withState(call, (context, project) =>
    planBackfill(context, datasetNamed(call.arguments[0]!, project), from, to),
  );
  if (options.on('dry-run') || isEmpty(plan)) {
    terminal.document(plan);
    tell(plan, terminal);
    return EXIT.ok;
  }
  tell(plan, terminal);
  const owner = await ownerOf(call);
  if (owner) {
    const { runs } = await owner.post<{ runs: string[] }>('/v1/backfills', {
      dataset: shortName(plan.dataset),
      from,
      to,
      command: call.line,
    });
    return runs[0] === undefined ? EXIT.ok : followAndTell(call, owner, runs[0], []);
  }
  const done = await withRuntime(call, (runtime) =>
    executeBackfill(plan, (pipeline, only) => processAndTell(call, runtime, { pipeline, only, failOn: [] })),
  );
  return done ?? EXIT.ok;
}

/** `source.dataset`. */
function datasetNamed(name: string, project: Project): Dataset {
  checkDatasets([name], project);
  const [source, dataset] = name.split('.');
  const all = [...project.sources.get(source!)!.datasets.values()].filter((d) => d.config.files !== undefined);
  const found = dataset === undefined && all.length === 1 ? all[0] : all.find((d) => d.name === dataset);
  if (found) return found;
  throw new GranaryError('cli.usage', `Which dataset of ${source}?`, {
    hint: `One of ${all.map((d) => `${d.source}.${d.name}`).join(', ')}`,
  });
}

function tell(plan: BackfillPlan, terminal: Terminal): void {
  const { style } = terminal;
  const rows = [
    ...plan.land.map(({ date, file, gaveUp }) => ({
      date,
      what: 'land',
      name: file.path,
      bytes: file.bytes === undefined ? '' : formatBytes(file.bytes),
      note: gaveUp === null ? '' : `tried again: ${gaveUp}`,
    })),
    ...plan.process.map(({ date, file, bytes, gaveUp }) => ({
      date,
      what: 'process',
      name: file,
      bytes: formatBytes(bytes),
      note: gaveUp === null ? '' : `tried again: ${gaveUp}`,
    })),
    ...plan.held.map(({ date, name, reason }) => ({ date, what: 'held', name, bytes: '', note: reason })),
    ...ranges(plan.nothing).map((date) => ({
      date,
      what: 'nothing',
      name: '',
      bytes: '',
      note: 'nothing at the source',
    })),
  ].sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0));
  if (rows.length > 0)
    terminal.table(
      [
        { title: plan.every },
        { title: 'what' },
        { title: 'file' },
        { title: 'bytes', align: 'right' },
        { title: '', flexible: true },
      ],
      rows.map((r) => [r.date, paint(r.what, style), r.name, r.bytes, r.note]),
    );
  if (rows.length > 0) terminal.line();
  const days = plan.calendar === null ? plan.every : `business day of ${plan.calendar}`;
  terminal.line(
    `${plan.from} to ${plan.to}, every ${days}: ${plan.there.length} there, ${plural(plan.land.length, 'file')} to land, ${plural(plan.process.length, 'object')} to process, ${plan.held.length} held, ${plan.nothing.length} with nothing at the source.`,
  );
  if (isEmpty(plan)) terminal.line('There is nothing to run.');
}

function paint(what: string, style: Terminal['style']) {
  if (what === 'held' || what === 'nothing') return { text: what, paint: style.dim };
  return what;
}

/** Days that follow each other as one line: `2026-11-01 – 2026-11-07`. */
function ranges(days: string[]): string[] {
  const out: { first: string; last: string }[] = [];
  for (const day of days) {
    const open = out.at(-1);
    const isNext = open && Date.parse(`${day}T00:00:00Z`) - Date.parse(`${open.last}T00:00:00Z`) === 86_400_000;
    if (isNext) open.last = day;
    else out.push({ first: day, last: day });
  }
  return out.map(({ first, last }) => (first === last ? first : `${first} – ${last}`));
}

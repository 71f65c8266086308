/** The end of a run: its totals, its books, its facts in the warehouse, and the events that others wait for. */
import { GranaryError, type SerializedError } from '../../lib/errors.ts';
import { addBooks, BOOKS, difference, EMPTY_BOOKS } from '../../model/books.ts';
import { DEAD_LETTERS } from '../../model/dead-letters.ts';
import { type EventDoc, toEmit } from '../../model/events.ts';
import { OBJECTS } from '../../model/objects.ts';
import { RUNS, type RunDoc, toPublishRun } from '../../model/runs.ts';
import { isoNow } from '../../ports/clock.ts';
import { putWrite, type Write } from '../../ports/state-store.ts';
import { tenantOf } from '../../project/pipelines.ts';
import type { StageContext } from '../context.ts';
import type { LoadContext } from '../load.ts';
import { publish } from '../publish.ts';
import { plain } from '../verify/verify.ts';

export interface FinishInput {
  run: string;
  pipeline: string;
}
export interface FailRunInput extends FinishInput {
  error: SerializedError;
  /** Stopped by request. */
  interrupted?: boolean;
}

const MAX_ERRORS = 100;

/**
 * Publishes what a run has done. Idempotent. Errors: `books.imbalance` when an entry of the run does not balance: then nothing of the
 * run is told to anyone, and the run fails.
 */
export async function finishRun(input: FinishInput, context: LoadContext): Promise<{ status: RunDoc['status'] }> {
  const entries = await booksOf(input.run, context);
  const off = entries.rows.find((b) => difference(b) !== 0);
  if (off)
    throw new GranaryError(
      'books.imbalance',
      `Run ${input.run}: the books of ${off.file} are off by ${difference(off)}.`,
      {
        where: { object: off.object },
        hint: 'Nothing of this run was published. Please report this: it is a defect of Granary.',
      },
    );
  const errors = await errorsOf(input.run, context);
  const doc = await closed(input.run, errors.length > 0 ? 'failed' : 'succeeded', errors, context);
  const changed = [...entries.tables].filter(([, t]) => t.loaded > 0);
  const events: EventDoc[] = changed.map(([table, rows]) => ({
    id: `table.changed|${input.run}|${table}`,
    type: 'table.changed',
    subject: table,
    tenant: rows.tenant,
    at: doc.endedAt!,
    data: { run: input.run, pipeline: input.pipeline, rows: rows.loaded },
  }));
  await end(doc, events, context);
  await publish(context);
  // A run that failed may be continued, and needs its lists then.
  for await (const { key } of context.objects.list(`runs/${input.run}/`)) await context.objects.remove(key);
  return { status: doc.status };
}

/** Ends a run that failed as a whole, or was stopped. Idempotent. */
export async function failRun(input: FailRunInput, context: LoadContext): Promise<{ status: RunDoc['status'] }> {
  const errors = [...(await errorsOf(input.run, context)), ...(input.interrupted ? [] : [input.error])];
  const doc = await closed(input.run, input.interrupted ? 'interrupted' : 'failed', errors, context);
  await end(doc, [], context);
  await publish(context);
  return { status: doc.status };
}

async function end(doc: RunDoc, events: EventDoc[], context: StageContext): Promise<void> {
  const type =
    doc.status === 'succeeded' ? 'run.succeeded' : doc.status === 'failed' ? 'run.failed' : 'run.interrupted';
  const ended: EventDoc = {
    id: `${type}|${doc.id}|${doc.endedAt}`,
    type,
    subject: doc.pipeline,
    tenant: tenantOf(doc.pipeline, context.project),
    at: doc.endedAt!,
    data: {
      run: doc.id,
      pipeline: doc.pipeline,
      trigger: doc.trigger,
      landed: doc.landed,
      quarantined: doc.quarantined,
      totals: doc.totals,
      errors: doc.errors.length,
      ...(doc.errors[0] && { error: doc.errors[0].message, code: doc.errors[0].code, hint: doc.errors[0].hint }),
    },
  };
  const writes: Write[] = [...events, ended].map(toEmit);
  for (let from = 0; from < writes.length - 1; from += 90)
    await context.state.transact(writes.slice(from, Math.min(from + 90, writes.length - 1)));
  await context.state.transact([putWrite(RUNS, doc), toPublishRun(doc.id), writes.at(-1)!]);
}

async function booksOf(run: string, context: StageContext) {
  const rows = [];
  const tables = new Map<string, { tenant: string; loaded: number }>();
  for await (const entry of context.state.query(BOOKS, { index: 'run', equals: [run] })) {
    rows.push(entry);
    const known = tables.get(entry.table)?.loaded ?? 0;
    tables.set(entry.table, { tenant: entry.dataset.split('/')[0]!, loaded: known + entry.loaded });
  }
  return { rows, tables };
}

/** What gave up in this run. */
async function errorsOf(run: string, context: StageContext): Promise<SerializedError[]> {
  const out: SerializedError[] = [];
  for await (const d of context.state.query(DEAD_LETTERS, { index: 'run', equals: [run] })) {
    if (d.status !== 'open' || out.length === MAX_ERRORS) continue;
    out.push({
      code: d.error as SerializedError['code'],
      message: d.reason,
      transient: d.transient,
      ...(d.hint !== null && { hint: d.hint }),
      where: d.kind === 'object' ? { object: d.ref, file: d.name } : { file: d.name },
    });
  }
  return out;
}

async function closed(
  run: string,
  status: RunDoc['status'],
  errors: SerializedError[],
  context: StageContext,
): Promise<RunDoc> {
  const known = await context.state.get(RUNS, run);
  if (!known) throw new GranaryError('run.not_found', `There is no run ${run}.`);
  const doc: RunDoc = { ...plain<RunDoc>(known), status, errors, totals: EMPTY_BOOKS, landed: 0, quarantined: 0 };
  for await (const b of context.state.query(BOOKS, { index: 'run', equals: [run] }))
    doc.totals = addBooks(doc.totals, b);
  for await (const _ of context.state.query(OBJECTS, { index: 'landed_run', equals: [run] })) doc.landed++;
  for await (const o of context.state.query(OBJECTS, { index: 'run', equals: [run] }))
    if (o.status === 'quarantined') doc.quarantined++;
  doc.endedAt = known.endedAt !== null && known.status === status ? known.endedAt : isoNow(context.clock);
  return doc;
}

/** Publish: the facts of a run into the warehouse's system tables, for anyone to query. */
import { GranaryError } from '../lib/errors.ts';
import { BOOKS, difference } from '../model/books.ts';
import { OBJECTS, UNPUBLISHED, type UnpublishedDoc } from '../model/objects.ts';
import { RUNS } from '../model/runs.ts';
import type { StateStore, Versioned, Write } from '../ports/state-store.ts';
import type { Facts } from '../ports/warehouse-facts.ts';
import type { LoadContext } from './load.ts';

const BATCH = 5000;

/** Those of one process go one after the other: two would take the same entries. */
const publishing = new WeakMap<StateStore, Promise<unknown>>();

/** Publishes everything in the outbox. What changes meanwhile stays in it. */
export async function publish(context: LoadContext): Promise<{ published: number }> {
  const before = publishing.get(context.state) ?? Promise.resolve();
  const mine = before.then(() => publishAll(context));
  publishing.set(
    context.state,
    mine.catch(() => undefined),
  );
  return mine;
}

async function publishAll(context: LoadContext): Promise<{ published: number }> {
  let published = 0;
  for (;;) {
    const batch: Versioned<UnpublishedDoc>[] = [];
    for await (const entry of context.state.query(UNPUBLISHED, { limit: BATCH })) batch.push(entry);
    if (batch.length === 0) return { published };
    const ids = (kind: string) =>
      batch.filter((b) => b.id.startsWith(`${kind}|`)).map((b) => b.id.slice(kind.length + 1));
    await context.warehouse.publishFacts({
      ...(await factsOf(ids('object'), context)),
      runs: await runFacts(ids('run'), context),
    });
    for (let from = 0; from < batch.length; from += 100) await takeOut(batch.slice(from, from + 100), context.state);
    published += batch.length;
  }
}

/** Entries that were written again meanwhile stay: what they announce is not published yet. */
async function takeOut(entries: readonly Versioned<UnpublishedDoc>[], state: StateStore): Promise<void> {
  const removal = (e: Versioned<UnpublishedDoc>): Write => ({
    remove: { collection: UNPUBLISHED as never, id: e.id, condition: { rev: e.rev } },
  });
  try {
    await state.transact(entries.map(removal));
  } catch (e) {
    if (!(e instanceof GranaryError) || e.code !== 'state.conflict') throw e;
    if (entries.length === 1) return;
    for (const entry of entries) await takeOut([entry], state);
  }
}

async function runFacts(ids: string[], context: LoadContext): Promise<NonNullable<Facts['runs']>> {
  const out: NonNullable<Facts['runs']>[number][] = [];
  for (const id of ids) {
    const run = await context.state.get(RUNS, id);
    if (!run) continue;
    out.push({
      id,
      status: run.status,
      started_at: run.startedAt,
      ...(run.endedAt && { finished_at: run.endedAt }),
      objects: run.landed,
      received: run.totals.received,
      loaded: run.totals.loaded,
      rejected: run.totals.rejected,
      ...(run.errors[0] && { error: run.errors[0].message }),
    });
  }
  return out;
}

async function factsOf(ids: string[], context: LoadContext): Promise<Facts> {
  const objects: NonNullable<Facts['objects']>[number][] = [];
  const books: NonNullable<Facts['books']>[number][] = [];
  for (const id of ids) {
    const o = await context.state.get(OBJECTS, id);
    if (!o) continue;
    const [tenant, source, dataset] = o.dataset.split('/') as [string, string, string];
    objects.push({
      id,
      tenant,
      source,
      dataset,
      name: o.file,
      path: o.path,
      version: o.version,
      bytes: o.bytes,
      sha256: o.sha256,
      status: o.status,
      arrived_at: o.landedAt,
      ...(o.supersededBy && { superseded_by: o.supersededBy }),
      ...(o.reasons.length > 0 && { quarantine: o.reasons }),
    });
    for await (const b of context.state.query(BOOKS, { index: 'object', equals: [id] })) {
      books.push({
        run_id: b.run,
        object_id: id,
        dataset: b.dataset.split('/').slice(1).join('.'),
        table: b.table,
        received: b.received,
        loaded: b.loaded,
        filtered: b.filtered,
        deduplicated: b.deduplicated,
        rejected: b.rejected,
        ...(b.declaredRows !== null && { declared_rows: b.declaredRows }),
        balanced: difference(b) === 0,
        active: b.active === 1,
        by_rule: Object.fromEntries(Object.entries(b.byRule).map(([rule, r]) => [rule, r.rows])),
      });
    }
  }
  return { objects, books };
}

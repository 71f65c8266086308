/** Publish: the facts of a run into the warehouse's system tables, for anyone to query. */
import { BOOKS, difference } from '../model/books.ts';
import { OBJECTS, UNPUBLISHED, type UnpublishedDoc } from '../model/objects.ts';
import { RUNS } from '../model/runs.ts';
import type { Versioned } from '../ports/state-store.ts';
import type { Facts } from '../ports/warehouse-facts.ts';
import type { LoadContext } from './load.ts';

const BATCH = 5000;

/** Publishes everything in the outbox. What changes meanwhile stays in it. */
export async function publish(context: LoadContext): Promise<{ published: number }> {
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
    for (let from = 0; from < batch.length; from += 100) {
      const entries = batch.slice(from, from + 100);
      await context.state.transact(
        entries.map((e) => ({ remove: { collection: UNPUBLISHED as never, id: e.id, condition: { rev: e.rev } } })),
      );
    }
    published += batch.length;
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

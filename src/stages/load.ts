/** Load: one object's curated rows into their table, exactly once, and the books of it. */
import { GranaryError } from '../lib/errors.ts';
import { assertBalanced, BOOKS, type BooksDoc } from '../model/books.ts';
import { CURATIONS, type CurationDoc, OBJECTS, type ObjectDoc, toPublish } from '../model/objects.ts';
import { type ColumnType, LINEAGE } from '../model/schema.ts';
import { isoNow } from '../ports/clock.ts';
import { putWrite, type Write } from '../ports/state-store.ts';
import type { CuratedObject, LoadResult, Warehouse } from '../ports/warehouse.ts';
import type { Dataset } from '../project/project.ts';
import { datasetOf, type StageContext } from './context.ts';
import { objectOf, plain } from './verify/verify.ts';

export interface LoadContext extends StageContext {
  warehouse: Warehouse;
}

export interface LoadInput {
  run: string;
  object: string;
  dataset: string;
  curation: string;
}

export interface LoadOutput {
  table: string;
  loaded: number;
  deduplicated: number;
  /** Loaded by an earlier attempt. */
  already: boolean;
}

export async function load(input: LoadInput, context: LoadContext): Promise<LoadOutput> {
  const object = await objectOf(context, input.object);
  const dataset = datasetOf(context, input.dataset);
  const curation = await context.state.get(CURATIONS, input.curation);
  if (!curation)
    throw new GranaryError('stage.bad_input', `There is no curation ${input.curation}.`, {
      where: { object: object.id },
    });
  const { counts } = curation;
  assertBalanced({ ...counts, loaded: counts.accepted }, { object: object.id, dataset: dataset.key });
  const earlier = await earlierVersions(context, object);
  const result = await context.warehouse.load({
    tenant: dataset.tenant,
    dataset: `${dataset.source}.${dataset.name}`,
    objectId: object.id,
    curationId: curation.id,
    supersedes: earlier.map((o) => o.id),
    order: object.order,
    effective: effectiveTime(object),
    table: dataset.table,
    columns: curation.columns
      .filter((c) => !Object.values<string>(LINEAGE).includes(c.name))
      .map((c) => ({ name: c.name, type: c.type as ColumnType })),
    files: await Promise.all(curation.files.map((key) => context.objects.localPath(key))),
    rows: counts.accepted,
    rejects: await Promise.all(curation.rejects.map((key) => context.objects.localPath(key))),
    strategy: dataset.config.load,
    complete: object.complete ?? false,
    ordered: dataset.config.sort_by !== undefined,
    evolve: true,
    siblings: () => siblingsOf(context, dataset, object.id),
  });
  await settle(context, input, object, dataset, curation, result, earlier);
  return {
    table: `${dataset.table.schema}.${dataset.table.name}`,
    loaded: result.inserted,
    deduplicated: result.deduplicated,
    already: result.recorded,
  };
}

/** Since when the rows are valid: the date in the file's name, else its arrival. */
function effectiveTime(object: ObjectDoc): string {
  if (object.businessDate === null) return object.landedAt;
  return new Date(`${object.businessDate}${object.businessDate.includes('T') ? '' : 'T00:00:00'}Z`).toISOString();
}

/** Earlier contents of the same file, newest first. */
async function earlierVersions(context: StageContext, object: ObjectDoc): Promise<ObjectDoc[]> {
  const out: ObjectDoc[] = [];
  for (let id = object.supersedes; id !== null; ) {
    const older: ObjectDoc = await objectOf(context, id);
    out.push(plain(older));
    id = older.supersedes;
  }
  return out;
}

/** Curated files of the other loaded objects of the datasets that fill the same table. */
async function siblingsOf(context: StageContext, dataset: Dataset, object: string): Promise<CuratedObject[]> {
  const out: CuratedObject[] = [];
  for (const source of context.project.sources.values()) {
    for (const d of source.datasets.values()) {
      if (d.table.schema !== dataset.table.schema || d.table.name !== dataset.table.name) continue;
      for await (const c of context.state.query(CURATIONS, { index: 'dataset', equals: [d.key, 1] })) {
        if (c.status !== 'loaded' || c.object === object) continue;
        out.push({
          objectId: c.object,
          files: await Promise.all(c.files.map((key) => context.objects.localPath(key))),
        });
      }
    }
  }
  return out;
}

/** Writes down what the warehouse has committed. A retry after a kill finds the load recorded there and comes here again. */
async function settle(
  context: StageContext,
  input: LoadInput,
  object: ObjectDoc & { rev: number },
  dataset: Dataset,
  curation: CurationDoc,
  result: LoadResult,
  earlier: ObjectDoc[],
): Promise<void> {
  const { received, filtered, rejected } = curation.counts;
  // A replay that changes nothing stays the entry that it was.
  const known = await context.state.get(BOOKS, curation.id);
  const books: BooksDoc = {
    id: curation.id,
    run: known?.active === 1 ? known.run : input.run,
    object: object.id,
    dataset: dataset.key,
    table: `${dataset.table.schema}.${dataset.table.name}`,
    file: object.file,
    received,
    loaded: result.inserted,
    filtered,
    deduplicated: curation.counts.deduplicated + result.deduplicated,
    rejected,
    declaredRows: object.declared?.rows ?? null,
    byRule: curation.byRule,
    active: 1,
    at: isoNow(context.clock),
  };
  assertBalanced(books, { object: object.id, dataset: dataset.key });
  const writes: Write[] = [
    putWrite(CURATIONS, { ...plain(curation), status: 'loaded' }),
    putWrite(BOOKS, books),
    toPublish('object', object.id),
  ];
  for await (const other of context.state.query(CURATIONS, { index: 'object', equals: [object.id, dataset.key] })) {
    if (other.id !== curation.id && other.current === 1) writes.push(...(await withdrawal(context, other)));
  }
  for (const older of earlier) {
    writes.push(toPublish('object', older.id));
    if (older.status !== 'superseded')
      writes.push(putWrite(OBJECTS, { ...older, status: 'superseded', supersededBy: object.id }));
    for await (const other of context.state.query(CURATIONS, { index: 'object', equals: [older.id] })) {
      if (other.current === 1) writes.push(...(await withdrawal(context, other)));
    }
    const plainBooks = await context.state.get(BOOKS, older.id);
    if (plainBooks?.active === 1) writes.push(putWrite(BOOKS, { ...plain(plainBooks), active: 0 }));
  }
  const complete = await othersLoaded(context, object, dataset);
  if (complete) writes.push(putWrite(OBJECTS, { ...plain<ObjectDoc>(object), status: 'loaded', payloads: null }));
  await context.state.transact(writes);
  if (complete) await removePayloads(context, object);
}

/** Unpacked copies have done their work; a replay makes them again from the landed bytes. */
async function removePayloads(context: StageContext, object: ObjectDoc): Promise<void> {
  for await (const { key } of context.objects.list(`payloads/${object.id}/`)) await context.objects.remove(key);
}

/** A curation whose rows have left the table, and its entry in the books. */
async function withdrawal(context: StageContext, curation: CurationDoc): Promise<Write[]> {
  const books = await context.state.get(BOOKS, curation.id);
  return [
    putWrite(CURATIONS, { ...plain(curation), current: 0, status: 'withdrawn' }),
    ...(books ? [putWrite(BOOKS, { ...plain(books), active: 0 })] : []),
  ];
}

/** Are the other datasets that read this object loaded? */
async function othersLoaded(context: StageContext, object: ObjectDoc, dataset: Dataset): Promise<boolean> {
  for (const key of datasetsOf(context, object)) {
    if (key === dataset.key) continue;
    let loaded = false;
    for await (const c of context.state.query(CURATIONS, { index: 'object', equals: [object.id, key] }))
      loaded ||= c.current === 1 && c.status === 'loaded';
    if (!loaded) return false;
  }
  return true;
}

/** Keys of the datasets that an object's rows go to: its own and the parts of it. */
export function datasetsOf(context: StageContext, object: ObjectDoc): string[] {
  const dataset = datasetOf(context, object.dataset);
  return [dataset.key, ...dataset.parts.map((p) => `${dataset.tenant}/${dataset.source}/${p}`)];
}

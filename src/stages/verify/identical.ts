/** Identical content: of several files with the same bytes and different names one is loaded, and the others are its duplicates. */
import { CURATIONS, OBJECTS, type ObjectDoc } from '../../model/objects.ts';
import type { Dataset } from '../../project/project.ts';
import type { StageContext } from '../context.ts';

export interface Original {
  id: string;
  /** Its rows are in the table. Until then it may still fail, and nothing can be its duplicate. */
  loaded: boolean;
}

/**
 * The object of the dataset that has the bytes of `object` under another path and goes before it: one whose rows are in the table, else
 * one that is on its way there, the oldest by `order`. Undefined where `object` is to be loaded itself. However objects are interleaved,
 * of those with the same bytes one at a time has no original.
 */
export async function originalOf(
  context: StageContext,
  object: ObjectDoc,
  dataset: Dataset,
): Promise<Original | undefined> {
  const policy = dataset.config.identical_content ?? (dataset.config.load.strategy === 'append' ? 'refuse' : 'load');
  if (policy === 'load' || object.released || (await isInTable(context, object))) return undefined;
  let loaded: ObjectDoc | undefined;
  let pending: ObjectDoc | undefined;
  for await (const other of context.state.query(OBJECTS, { index: 'content', equals: [dataset.key, object.sha256] })) {
    if (other.path === object.path) continue;
    if (await isInTable(context, other)) loaded = older(loaded, other);
    else if (other.status === 'verified' || (other.status === 'landed' && older(object, other) === other))
      pending = older(pending, other);
  }
  const original = loaded ?? pending;
  return original && { id: original.id, loaded: original === loaded };
}

/** The smaller `order` wins, then the smaller id. */
function older(a: ObjectDoc | undefined, b: ObjectDoc): ObjectDoc {
  if (!a) return b;
  return a.order < b.order || (a.order === b.order && a.id < b.id) ? a : b;
}

/** Also while an object is replayed: what it has loaded stays until the new rows take its place. */
async function isInTable(context: StageContext, object: ObjectDoc): Promise<boolean> {
  if (object.status === 'loaded') return true;
  if (object.status === 'duplicate' || object.status === 'superseded') return false;
  for await (const c of context.state.query(CURATIONS, { index: 'object', equals: [object.id] }))
    if (c.current === 1 && c.status === 'loaded') return true;
  return false;
}

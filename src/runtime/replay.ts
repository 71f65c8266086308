/** Replay and release: objects go through verify, curate and load again after the project or the file was fixed. */
import { GranaryError } from '../lib/errors.ts';
import { CURATIONS, OBJECTS, type ObjectDoc, toPublish } from '../model/objects.ts';
import { putWrite } from '../ports/state-store.ts';
import type { StageContext } from '../stages/context.ts';
import { plain } from '../stages/verify/verify.ts';

export interface ReplaySelection {
  /** Ids of objects, or unambiguous beginnings of ids. */
  objects?: string[];
  /** `source.dataset` or `source`. */
  datasets?: string[];
  /** Objects in quarantine. */
  quarantined?: boolean;
  /** Loaded objects that have rejects. */
  rejects?: boolean;
}

/**
 * Marks the chosen objects to be processed again and returns them. What they have loaded stays until the new rows take its place, in one
 * transaction; with an unchanged project a replay changes nothing. Errors: `stage.bad_input` for an id that names none or several.
 */
export async function replay(selection: ReplaySelection, context: StageContext): Promise<ObjectDoc[]> {
  const chosen = new Map<string, ObjectDoc>();
  for (const id of selection.objects ?? []) {
    const object = await findObject(id, context);
    if (object.status === 'superseded') {
      throw new GranaryError(
        'stage.bad_input',
        `Object ${object.id} (${object.file}) was superseded by ${object.supersededBy}: replay that one.`,
        { where: { object: object.id } },
      );
    }
    chosen.set(object.id, object);
  }
  if (selection.quarantined || selection.rejects || (selection.datasets && !selection.objects)) {
    for await (const object of context.state.query(OBJECTS)) {
      if (!inDatasets(object, selection.datasets)) continue;
      const all =
        !selection.quarantined && !selection.rejects && ['loaded', 'quarantined', 'duplicate'].includes(object.status);
      const quarantined = selection.quarantined && object.status === 'quarantined';
      const rejects = selection.rejects && object.status === 'loaded' && (await hasRejects(object, context));
      if (all || quarantined || rejects) chosen.set(object.id, plain<ObjectDoc>(object));
    }
  }
  const out = [...chosen.values()].sort((a, b) => (a.order < b.order ? -1 : 1));
  for (const object of out) await reopen({ ...object, reasons: [] }, context);
  return out;
}

/** Lets an object in quarantine pass its verification as it is. Damage that leaves nothing to read cannot be released. */
export async function release(id: string, context: StageContext): Promise<ObjectDoc> {
  const object = await findObject(id, context);
  if (object.status !== 'quarantined') {
    throw new GranaryError(
      'stage.bad_input',
      `Object ${object.id} (${object.file}) is ${object.status}, not in quarantine.`,
      { where: { object: object.id } },
    );
  }
  return reopen({ ...object, released: true }, context);
}

/** An object as if it had just landed. */
async function reopen(object: ObjectDoc, context: StageContext): Promise<ObjectDoc> {
  const landed: ObjectDoc = { ...object, status: 'landed', payloads: null, duplicateOf: null };
  await context.state.transact([putWrite(OBJECTS, landed), toPublish('object', landed.id)]);
  return landed;
}

/** Errors: `stage.bad_input` when no object, or more than one, has an id that begins so. */
export async function findObject(id: string, context: StageContext): Promise<ObjectDoc> {
  const exact = await context.state.get(OBJECTS, id);
  if (exact) return plain<ObjectDoc>(exact);
  const found: ObjectDoc[] = [];
  for await (const object of context.state.query(OBJECTS))
    if (object.id.startsWith(id) || object.file === id || object.path === id) found.push(plain<ObjectDoc>(object));
  const active = found.length > 1 ? found.filter((o) => o.status !== 'superseded') : found;
  if (active.length === 1) return active[0]!;
  throw new GranaryError(
    'stage.bad_input',
    active.length === 0
      ? `There is no object ${id}.`
      : `${active.length} objects are called ${id}: ${active
          .slice(0, 5)
          .map((o) => o.id)
          .join(', ')}.`,
    {
      hint: '`granary objects` lists them.',
    },
  );
}

function inDatasets(object: ObjectDoc, datasets: string[] | undefined): boolean {
  if (!datasets) return true;
  const [, source, dataset] = object.dataset.split('/');
  return datasets.some((d) => d === source || d === `${source}.${dataset}`);
}

async function hasRejects(object: ObjectDoc, context: StageContext): Promise<boolean> {
  for await (const c of context.state.query(CURATIONS, { index: 'object', equals: [object.id] }))
    if (c.current === 1 && c.counts.rejected > 0) return true;
  return false;
}

/** Pending: which objects have landed and are not at their end yet. What gave up waits as a dead letter and holds up nothing. */
import { DEAD_LETTERS, deadLetterId, isHeld } from '../../model/dead-letters.ts';
import { OBJECTS, type ObjectDoc } from '../../model/objects.ts';
import type { StageContext } from '../context.ts';
import { writeList } from '../lists.ts';
import { objectFits, type RunParameters } from './parameters.ts';

export interface PendingInput {
  run: string;
  /** `tenant/source/dataset`. */
  datasets: string[];
  /** Where the list goes, in the object store. */
  list: string;
  /** Also objects that gave up in an earlier run. */
  retry_dead_letters?: boolean | null;
  /** Only these objects. */
  objects?: string[] | null;
  /** Only objects whose file names have these parts. */
  parameters?: RunParameters | null;
}

/** One line of the list. */
export interface PendingObject {
  object: string;
  dataset: string;
  bytes: number;
}

export interface PendingOutput {
  list: string;
  found: number;
}

export async function pending(input: PendingInput, context: StageContext): Promise<PendingOutput> {
  const chosen: ObjectDoc[] = [];
  for (const dataset of input.datasets) {
    for (const status of ['landed', 'verified'] as const) {
      for await (const object of context.state.query(OBJECTS, { index: 'status', equals: [status, dataset] })) {
        if (input.objects && !input.objects.includes(object.id)) continue;
        if (!objectFits(object, input.parameters)) continue;
        if (await isGivenUp(object.id, input, context)) continue;
        chosen.push(object);
      }
    }
  }
  chosen.sort((a, b) => (a.order < b.order ? -1 : 1));
  const lines = chosen.map(({ id, dataset, bytes }): PendingObject => ({ object: id, dataset, bytes }));
  await writeList(input.list, lines, context);
  return { list: input.list, found: lines.length };
}

async function isGivenUp(object: string, input: PendingInput, context: StageContext): Promise<boolean> {
  const letter = await context.state.get(DEAD_LETTERS, deadLetterId('object', object));
  return letter !== undefined && isHeld(letter, input, context.clock.now());
}

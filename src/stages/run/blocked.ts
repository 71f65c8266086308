/**
 * What has to wait for something else. When the machine itself is in need (a full disk, a store that cannot be written), an object gives up
 * through no fault of its own; what counts behind it must not overtake it, or tables and books would depend on when the need was over. An
 * object that is bad itself holds up nothing.
 */
import { DEAD_LETTERS } from '../../model/dead-letters.ts';
import { OBJECTS, type ObjectDoc } from '../../model/objects.ts';
import type { Dataset, Project } from '../../project/project.ts';
import { referencedTables } from '../../project/referenced-tables.ts';
import type { StageContext } from '../context.ts';

const OF_THE_MACHINE: ReadonlySet<string> = new Set(['store.disk_full', 'store.io', 'state.io']);

/** The name of the object that has to go before this one; undefined when nothing has. */
export async function waitsFor(
  object: ObjectDoc,
  dataset: Dataset,
  context: StageContext,
): Promise<string | undefined> {
  const own = [dataset, ...dataset.parts.map((p) => partOf(dataset, p, context.project))];
  if (own.some((d) => d.config.load.strategy !== 'append')) {
    const before = await inNeed([dataset.key], (other) => other.order < object.order, context);
    if (before) return before.file;
  }
  const tables = new Set(own.flatMap((d) => [...referencedTables(d).keys()].map((t) => `${d.table.schema}.${t}`)));
  if (tables.size === 0) return undefined;
  const keys = [...context.project.sources.values()].flatMap((s) =>
    [...s.datasets.values()].flatMap((d) => {
      const fills = [d, ...d.parts.map((p) => partOf(d, p, context.project))];
      return d.key !== dataset.key && fills.some((f) => tables.has(`${f.table.schema}.${f.table.name}`)) ? [d.key] : [];
    }),
  );
  return (await inNeed(keys, () => true, context))?.file;
}

const partOf = (dataset: Dataset, part: string, project: Project): Dataset =>
  project.sources.get(dataset.source)!.datasets.get(part)!;

/** An object of these datasets that gave up because of the machine. */
async function inNeed(
  datasets: string[],
  counts: (object: ObjectDoc) => boolean,
  context: StageContext,
): Promise<ObjectDoc | undefined> {
  for (const key of datasets)
    for await (const letter of context.state.query(DEAD_LETTERS, { index: 'dataset', equals: [key, 'open'] })) {
      if (letter.kind !== 'object' || !OF_THE_MACHINE.has(letter.error)) continue;
      const object = await context.state.get(OBJECTS, letter.ref);
      if (object && (object.status === 'landed' || object.status === 'verified') && counts(object)) return object;
    }
  return undefined;
}

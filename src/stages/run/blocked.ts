/**
 * What has to wait for something else. When the machine itself is in need (a full disk, a store that cannot be written), an object gives up
 * through no fault of its own; what counts behind it must not overtake it, or tables and books would depend on when the need was over. An
 * object that is bad itself holds up nothing.
 */
import { DEAD_LETTERS } from '../../model/dead-letters.ts';
import { OBJECTS, type ObjectDoc } from '../../model/objects.ts';
import { isInOrder, withParts } from '../../project/parts.ts';
import type { Dataset } from '../../project/project.ts';
import { referencedTables } from '../../project/referenced-tables.ts';
import type { StageContext } from '../context.ts';

const OF_THE_MACHINE: ReadonlySet<string> = new Set(['store.disk_full', 'store.io', 'state.io']);

/** What has to go before this object; undefined when nothing has. */
export async function waitsFor(
  object: ObjectDoc,
  dataset: Dataset,
  context: StageContext,
): Promise<string | undefined> {
  const own = withParts(dataset, context.project);
  if (isInOrder(dataset, context.project)) {
    const before = await inNeed([dataset], (other) => other.order < object.order, context);
    if (before !== undefined) return before;
  }
  const tables = new Set(own.flatMap((d) => [...referencedTables(d).keys()].map((t) => `${d.table.schema}.${t}`)));
  if (tables.size === 0) return undefined;
  const filling = [...context.project.sources.values()].flatMap((s) =>
    [...s.datasets.values()].filter((d) => {
      const fills = withParts(d, context.project);
      return d.key !== dataset.key && fills.some((f) => tables.has(`${f.table.schema}.${f.table.name}`));
    }),
  );
  return inNeed(filling, () => true, context);
}

/**
 * An object of these datasets that gave up because of the machine, or a file of theirs that could not be landed or not even be looked for: of
 * such a file it is not known where it belongs, so it goes before everything.
 */
async function inNeed(
  datasets: Dataset[],
  counts: (object: ObjectDoc) => boolean,
  { state }: StageContext,
): Promise<string | undefined> {
  for (const { key } of datasets)
    for await (const letter of state.query(DEAD_LETTERS, { index: 'dataset', equals: [key, 'open'] })) {
      if (!OF_THE_MACHINE.has(letter.error)) continue;
      if (letter.kind === 'file') return letter.name;
      const object = await state.get(OBJECTS, letter.ref);
      if (object && (object.status === 'landed' || object.status === 'verified') && counts(object)) return object.file;
    }
  const sources = new Set(datasets.map((d) => d.source));
  if (sources.size > 0)
    for await (const letter of state.query(DEAD_LETTERS, { index: 'dataset', equals: ['', 'open'] }))
      if (OF_THE_MACHINE.has(letter.error) && sources.has(letter.source)) return `files of ${letter.source}`;
  return undefined;
}

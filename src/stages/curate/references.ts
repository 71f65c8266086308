/** Snapshots of the warehouse tables that a curation looks things up in. */
import { GranaryError } from '../../lib/errors.ts';
import type { Project, TableName } from '../../project/project.ts';
import { referencedTables } from '../../project/referenced-tables.ts';
import { datasetOf } from '../context.ts';
import type { LoadContext } from '../load.ts';
import { tableSnapshot } from '../table-snapshot.ts';

/** Snapshots of the reference tables that a dataset needs, by table; made anew when the table has changed. */
export async function exportReferences(context: LoadContext, key: string): Promise<Record<string, string>> {
  const dataset = datasetOf(context, key);
  const out: Record<string, string> = {};
  for (const [table, columns] of referencedTables(dataset)) {
    const reference = await tableSnapshot({ schema: dataset.table.schema, name: table }, columns, context);
    if (reference === undefined) {
      const filled = fillers(context.project, { schema: dataset.table.schema, name: table });
      throw new GranaryError(
        filled.length > 0 ? 'curate.no_reference' : 'stage.bad_input',
        `${key} looks things up in ${table}, but the warehouse has no such table yet.`,
        {
          hint:
            filled.length > 0
              ? `It is tried again by itself once ${filled.join(' or ')} is loaded.`
              : `Load ${table} first, or correct its name.`,
        },
      );
    }
    out[table] = reference;
  }
  return out;
}

/** `source.dataset` of those that fill a table. */
function fillers(project: Project, { schema, name }: TableName): string[] {
  return [...project.sources.values()].flatMap((source) =>
    [...source.datasets.values()]
      .filter(({ table }) => table.schema === schema && table.name === name)
      .map((dataset) => `${source.name}.${dataset.name}`),
  );
}

/** Snapshots of the warehouse tables that a curation looks things up in. */
import { GranaryError } from '../../lib/errors.ts';
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
    if (reference === undefined)
      throw new GranaryError(
        'stage.bad_input',
        `${key} looks things up in ${table}, but the warehouse has no such table yet.`,
        { hint: `Load ${table} first, or correct its name.` },
      );
    out[table] = reference;
  }
  return out;
}

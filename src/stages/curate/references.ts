/** Snapshots of the warehouse tables that a curation looks things up in. */
import { GranaryError } from '../../lib/errors.ts';
import { idOf } from '../../lib/hash.ts';
import { referencedTables } from '../../project/referenced-tables.ts';
import { datasetOf } from '../context.ts';
import type { LoadContext } from '../load.ts';

/** Snapshots of the reference tables that a dataset needs, by table; made anew when the table has changed. */
export async function exportReferences(context: LoadContext, key: string): Promise<Record<string, string>> {
  const dataset = datasetOf(context, key);
  const out: Record<string, string> = {};
  for (const [table, columns] of referencedTables(dataset)) {
    const target = { schema: dataset.table.schema, name: table };
    if (!(await context.warehouse.columns(target))) {
      throw new GranaryError(
        'stage.bad_input',
        `${key} looks things up in ${table}, but the warehouse has no such table yet.`,
        {
          hint: `Load ${table} first, or correct its name.`,
        },
      );
    }
    const version = await context.warehouse.tableVersion(target);
    const reference = `references/${target.schema}/${table}/${idOf(version, ...columns)}.parquet`;
    if (!(await context.objects.head(reference))) {
      const prefix = reference.slice(0, reference.lastIndexOf('/') + 1);
      await context.objects.writeLocal(
        prefix,
        async (folder) =>
          void (await context.warehouse.exportTable(target, columns, `${folder}/${reference.slice(prefix.length)}`)),
      );
    }
    out[table] = reference;
  }
  return out;
}

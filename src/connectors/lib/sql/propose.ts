/** What could be read of a database, and as what. */
import type { Offer, Proposal } from '../../../ports/extract.ts';
import type { ListedTable, TableFacts } from './database.ts';

export const offerOf = ({ title, kind, rows }: ListedTable): Offer => ({ name: title, kind, rows, read: title });

export function proposalOf(title: string, { columns, key, indexed, kind }: TableFacts): Proposal {
  const notes: string[] = [];
  const updated =
    columns.find((c) => c.grows === 'updated' && !c.nullable) ?? columns.find((c) => c.grows === 'updated');
  const sequence = columns.find((c) => c.grows === 'sequence' && key.length === 1 && key[0] === c.name);
  if (key.length === 0 && kind === 'table')
    notes.push('There is no primary key: all rows are read each time, and rows that are gone cannot be told.');
  if (updated && key.length > 0 && !indexed.has(updated.name))
    notes.push(`No index begins with ${updated.name}: the server reads the whole table each time.`);
  if (updated?.nullable) notes.push(`Rows without ${updated.name} are only read when all rows are.`);
  if (!updated && sequence && key.length > 0)
    notes.push(`${sequence.name} can be the watermark if rows are never changed once they are there.`);
  const isIncremental = updated !== undefined && key.length > 0;
  return {
    columns: columns.map(({ name, type, nullable, note }) => ({
      name,
      from: name,
      type,
      required: !nullable,
      ...(note !== undefined && { note }),
    })),
    key,
    read: isIncremental ? { table: title, key, watermark: [updated.name] } : title,
    load: undefined,
    notes,
  };
}

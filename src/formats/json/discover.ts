/** Discovery of both JSON formats. */
import type { DiscoverInput, Discovery, ReadInput } from '../../ports/format.ts';
import { inferParsed } from '../lib/discovery.ts';
import type { RowWriter } from '../lib/row-writer.ts';
import type { LeafPath } from './leaf-paths.ts';
import type { RecordsConfig } from './records-field.ts';

export interface JsonDiscovery {
  input: DiscoverInput<RecordsConfig>;
  config: RecordsConfig;
  leaves: LeafPath[];
  parse(input: ReadInput<RecordsConfig>, out: RowWriter, limit: number): Promise<void>;
}

/**
 * Types come from the values, but for strings that look like whole numbers: the sender chose a string, so they are identifiers and
 * stay text.
 */
export async function discoverJson({ input, config, leaves, parse }: JsonDiscovery): Promise<Discovery<RecordsConfig>> {
  const names = leaves.map((l) => l.path);
  const { columns, rows, notes, rejected } = await inferParsed({ input, config, names, parse });
  const kept = columns.map(({ thousands: _, ...column }, i) =>
    leaves[i]!.strings && ['integer', 'bigint', 'decimal(38,0)', 'boolean'].includes(column.type)
      ? { ...column, type: 'text' as const }
      : column,
  );
  const arrays = kept.filter((c) => c.type === 'json' && c.examples.some((e) => e.startsWith('[{')));
  return {
    config: config.records !== undefined && input.config.records === undefined ? { records: config.records } : {},
    columns: kept,
    rowsSeen: rows,
    notes: [
      ...notes,
      ...(rejected > 0 ? [`${rejected} records are not valid and would be rejected.`] : []),
      ...arrays.map((c) => `${c.source} is an array of objects: \`records: ${c.source}\` makes a row of each.`),
    ],
  };
}

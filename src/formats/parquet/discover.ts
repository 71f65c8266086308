/** Discovery of Parquet: types are the file's own; values are looked at for missing ones, keys and examples only. */
import { ident, join, literal, raw, sql } from '../../lib/sql.ts';
import type { DiscoveredColumn, DiscoverInput, Discovery } from '../../ports/format.ts';
import { SAMPLE_ROWS } from '../lib/discovery.ts';
import { contractType, delivered } from './types.ts';

const EXAMPLES = 3;
const EXAMPLE_ROWS = 200;
const EXAMPLE_LENGTH = 80;
const COLUMNS_AT_ONCE = 100;

/** `types`: the engine's types by column; `total`: rows of the file. */
export async function discoverParquet(
  input: DiscoverInput<object>,
  types: Map<string, string>,
  total: number,
): Promise<Discovery<object>> {
  const { engine, path, whole } = input;
  const limit = whole ? total : Math.min(total, SAMPLE_ROWS);
  const from = raw(sql`(SELECT * FROM read_parquet(${literal(path)}) LIMIT ${limit})`);
  const columns: DiscoveredColumn[] = [];
  const names = [...types.keys()];
  for (let at = 0; at < names.length; at += COLUMNS_AT_ONCE) {
    const some = names.slice(at, at + COLUMNS_AT_ONCE);
    const text = (name: string) =>
      raw(delivered(name, types.get(name), { source: name, position: 0, type: 'text', asText: true }).sql);
    const counts = some.flatMap((name, i) => [
      sql`count(${ident(name)}) AS ${ident(`n${i}`)}`,
      sql`count(DISTINCT ${ident(name)}) AS ${ident(`d${i}`)}`,
    ]);
    const [row] = await engine.all<Record<string, number>>(sql`SELECT ${join(counts)} FROM ${from}`);
    const values = await engine.all<Record<string, string | null>>(
      sql`SELECT ${join(some.map((name, i) => sql`${text(name)} AS ${ident(`v${i}`)}`))} FROM ${from} LIMIT ${EXAMPLE_ROWS}`,
    );
    some.forEach((source, i) => {
      const present = row![`n${i}`]!;
      columns.push({
        source,
        type: contractType(types.get(source)!),
        nullable: limit === 0 || present < limit,
        unique: limit > 0 && present === limit && row![`d${i}`] === limit,
        examples: [...new Set(values.flatMap((v) => v[`v${i}`] ?? []))].slice(0, EXAMPLES).map(shortened),
      });
    });
  }
  return { config: {}, columns, rowsSeen: limit, notes: [] };
}

const shortened = (value: string) => (value.length > EXAMPLE_LENGTH ? `${value.slice(0, EXAMPLE_LENGTH - 1)}…` : value);

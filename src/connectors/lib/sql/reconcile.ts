/** Rows that are gone at the source: keys of the table here that the server's snapshot does not have. */
import { join as joinPath } from 'node:path';
import { ident, join, literal, raw, sql } from '../../../lib/sql.ts';
import { type ColumnType, engineType } from '../../../model/schema.ts';
import type { Engine } from '../../../ports/engine.ts';
import { copyFile } from './scratch.ts';

export interface ReconcileColumn {
  /** Name in the contract, which is that in the file of keys. */
  name: string;
  type: ColumnType;
}

export interface GoneRows {
  keys: readonly ReconcileColumn[];
  /** Lines of `keys` at the source. */
  sourceKeys: string;
  /** Parquet with the keys that are in the table. */
  tableKeys: string;
  /** For each column that lands: the key it is, or a value, or null. */
  landed: readonly ({ key: string } | { value: string } | null)[];
  scratch: string;
}

/** Writes a line for every row that is gone; how many there are. */
export async function writeGone(
  engine: Engine,
  gone: GoneRows,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<number> {
  const { keys, sourceKeys, tableKeys, landed, scratch } = gone;
  const types = keys.map(({ name, type }) => sql`${literal(name)}: ${literal(engineType(type))}`);
  const source = sql`read_csv(${literal(sourceKeys)}, auto_detect=false, header=false, delim=',', quote='"', escape='"', new_line='\\n',
    nullstr='\\N', allow_quoted_nulls=false, columns={${join(types)}})`;
  const same = keys.map(({ name }) => sql`s.${ident(name)} = t.${ident(name)}`);
  const from = sql`FROM (SELECT DISTINCT ${join(keys.map((k) => ident(k.name)))} FROM read_parquet(${literal(tableKeys)})) t
    ANTI JOIN ${raw(source)} s ON ${join(same, ' AND ')}`;
  const values = landed.map((column) =>
    column === null ? raw('NULL') : 'key' in column ? raw(sql`t.${ident(column.key)}`) : literal(column.value),
  );
  const path = joinPath(scratch, 'gone.csv');
  const [counted] = await engine
    .all<{ rows: number }>(
      sql`COPY (SELECT ${join(values)} ${raw(from)}) TO ${literal(path)} (FORMAT csv, HEADER false, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR '\\N')`,
    )
    .then((rows) => rows.map((row) => ({ rows: Number(Object.values(row)[0]) })));
  await copyFile(path, write);
  return counted!.rows;
}

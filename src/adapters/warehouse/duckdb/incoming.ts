/** Curated Parquet files as rows of a table. */
import type { Session } from '../../../lib/duckdb.ts';
import { GranaryError } from '../../../lib/errors.ts';
import { ident, join, literal, raw, type Sql, sql } from '../../../lib/sql.ts';
import { engineType, LINEAGE, type TableColumn } from '../../../model/schema.ts';
import type { LoadRequest, LoadStrategy } from '../../../ports/warehouse.ts';
import type { Tombstones } from './strategies/strategy.ts';

/** Lineage columns as every table has them, at the end. */
export const LINEAGE_COLUMNS: readonly TableColumn[] = [
  { name: LINEAGE.object, type: 'text' },
  { name: LINEAGE.line, type: 'bigint' },
  { name: LINEAGE.member, type: 'text' },
];

/**
 * A SELECT of `columns` from files, each as its type; columns that no file has are null. Files of several schemas are matched by name.
 * Partition folders are not read as columns: the files have those columns.
 */
export async function rowsOf(
  session: Session,
  files: readonly string[],
  columns: readonly TableColumn[],
): Promise<Sql> {
  const present = files.length > 0 ? await columnsIn(session, files) : new Set<string>();
  const list = columns.map(({ name, type }) =>
    raw(
      sql`CAST(${present.has(name.toLowerCase()) ? ident(name) : literal(null)} AS ${raw(engineType(type))}) AS ${ident(name)}`,
    ),
  );
  return raw(
    files.length > 0 ? sql`SELECT ${join(list)} FROM ${parquet(files)}` : sql`SELECT ${join(list)} WHERE false`,
  );
}

export function parquet(files: readonly string[]): Sql {
  return raw(
    sql`read_parquet(${literal(files)}, union_by_name = ${literal(files.length > 1)}, hive_partitioning = false)`,
  );
}

/** In lower case. */
async function columnsIn(session: Session, files: readonly string[]): Promise<Set<string>> {
  const described = await session.all<{ column_name: string }>(sql`DESCRIBE SELECT * FROM ${parquet(files)}`);
  return new Set(described.map((c) => c.column_name.toLowerCase()));
}

/** The files must have the contract's columns and exactly the rows they are said to have, all of this object. */
export async function verifyIncoming(session: Session, request: LoadRequest): Promise<void> {
  const { files, rows, objectId } = request;
  if (files.length > 0) {
    const present = await columnsIn(session, files);
    const wanted = [...request.columns.map((c) => c.name), LINEAGE.object, LINEAGE.line];
    const missing = wanted.filter((c) => !present.has(c.toLowerCase()));
    if (missing.length > 0) throw wrong(request, `the curated files lack the columns ${missing.join(', ')}`);
  }
  const [found] =
    files.length === 0
      ? [{ rows: 0, strangers: 0 }]
      : await session.all<{ rows: number; strangers: number }>(
          sql`SELECT count(*) AS rows, count(*) FILTER (${ident(LINEAGE.object)} IS DISTINCT FROM ${literal(objectId)}) AS strangers FROM ${parquet(files)}`,
        );
  if (found!.rows !== rows) throw wrong(request, `the curated files have ${found!.rows} rows instead of ${rows}`);
  if (found!.strangers > 0) throw wrong(request, `${found!.strangers} curated rows are of other objects`);
}

/** What strategies want to know of rows before they plan: some say that their key is deleted; some have a null in key or partition. */
export async function survey(
  session: Session,
  rows: Sql,
  empty: boolean,
  { strategy, key = [], partition = [] }: LoadStrategy,
  tombstones: Tombstones | undefined,
): Promise<{ deletes: boolean; nulls: boolean }> {
  const columns =
    strategy === 'replace_partition' ? partition : strategy === 'merge' || strategy === 'snapshot' ? key : [];
  if (empty || columns.length === 0) return { deletes: false, nulls: false };
  const nulls = columns.map((c) => sql`${ident(c)} IS NULL`);
  const [found] = await session.all<{ deletes: boolean; nulls: boolean }>(sql`
    SELECT coalesce(bool_or(${tombstones ? ident(tombstones.flag) : literal(false)}), false) AS deletes,
      coalesce(bool_or(${join(nulls, ' OR ')}), false) AS nulls FROM (${rows})`);
  return found!;
}

function wrong(request: LoadRequest, what: string): GranaryError {
  return new GranaryError('load.failed', `Object ${request.objectId} of ${request.dataset} was not loaded: ${what}.`, {
    where: { object: request.objectId },
    hint: 'Curate the object again: `granary replay`.',
  });
}

/** Values that divide a table into parts of about the same size, from a sample of its pages. */
import type { CutRequest } from '../lib/sql/database.ts';
import { postgresDialect } from './dialect.ts';
import { landedSql, type PostgresColumn } from './types.ts';

type Rows = (sql: string) => Promise<(string | null)[][]>;

/** Of 8 KiB each: 16 MB are read at most. */
const SAMPLED_PAGES = 2000;

/** Ascending in the order of the server. Empty for views and for tables without statistics. */
export async function cutsOf(rows: Rows, { table, column, from, rows: wanted, limit }: CutRequest): Promise<string[]> {
  const { ident, text, value } = postgresDialect;
  const name = ident(...table);
  const [size] = await rows(`SELECT sum(greatest(l.reltuples, 0)), sum(l.relpages), bool_and(l.relkind IN ('r', 'm'))
    FROM pg_catalog.pg_class l WHERE l.oid IN (
      SELECT t.relid FROM pg_catalog.pg_partition_tree(${text(name)}::pg_catalog.regclass) t WHERE t.isleaf
      UNION SELECT ${text(name)}::pg_catalog.regclass) AND l.relkind <> 'p'`);
  const [total, pages, sampled] = [Number(size?.[0]), Number(size?.[1]), size?.[2] === 't'];
  if (!sampled || total < wanted * 2 || pages === 0) return [];
  const ref = ident(column.name);
  const percent = Math.min(100, (SAMPLED_PAGES / pages) * 100);
  const sample = `FROM ${name} TABLESAMPLE SYSTEM (${percent}) REPEATABLE (1)`;
  const condition = from === undefined ? 'true' : `${ref} >= ${value(from, column)}`;
  const [counted] = await rows(`SELECT count(*) FILTER (WHERE ${condition}), count(*) ${sample}`);
  const [matching, all] = [Number(counted![0]), Number(counted![1])];
  const parts = Math.min(Math.round((total * matching) / Math.max(all, 1) / wanted), limit + 1, matching);
  if (parts < 2) return [];
  const fractions = Array.from({ length: parts - 1 }, (_, i) => ((i + 1) / parts).toFixed(9));
  const cuts = await rows(`SELECT ${landedSql('cut', column as PostgresColumn, column.type)} FROM (
      SELECT DISTINCT unnest(percentile_disc(ARRAY[${fractions.join(', ')}]) WITHIN GROUP (ORDER BY ${ref})) AS cut
      ${sample} WHERE ${condition}) c WHERE cut IS NOT NULL ORDER BY cut`);
  return cuts.map(([cut]) => cut!);
}

/** `merge`: per key the row with the highest version, then of the newest object. */
import { raw, sql } from '../../../../lib/sql.ts';
import { LINEAGE } from '../../../../model/schema.ts';
import {
  type Change,
  columnNames,
  descending,
  fill,
  matches,
  names,
  newer,
  type Plan,
  ranked,
  type Strategy,
  TEMP,
  touched,
} from './strategy.ts';

export const merge: Strategy = {
  plan(change) {
    const { key = [] } = change.target.strategy;
    if (change.alone) return fill(change, merge);
    if (change.leaving.length > 0) return { statements: [], rebuild: { columns: key, groups: touched(change, key) } };
    return { statements: upsert(change) };
  },
  settle(rows, target) {
    const { key = [], version = [] } = target.strategy;
    return raw(sql`SELECT ${columnNames(target)} FROM (${rows})
      QUALIFY row_number() OVER (PARTITION BY ${names(key)} ORDER BY ${descending(version)}) = 1`);
  },
};

/** The object's rows against those of the table: the losers of either side go. No primary key: DuckDB is faster without. */
function upsert({ target, incoming, newest }: Change): Plan['statements'] {
  const { table, strategy } = target;
  const { key = [], version = [] } = strategy;
  const winners = sql`CREATE TEMP TABLE ${TEMP.batch} AS ${merge.settle(ranked(incoming), target)}`;
  const stale = sql`DELETE FROM ${TEMP.batch} b USING (${ranked(raw(sql`SELECT ${columnNames(target)} FROM ${table}`))}) t,
      ${TEMP.active} a
    WHERE a.object_id = b.${raw(LINEAGE.object)} AND ${matches(key, 'b', 't')} AND ${newer(version, 't', 'b', raw('t._rank > a.rank'))}`;
  return [
    winners,
    ...(newest && version.length === 0 ? [] : [stale]),
    sql`DELETE FROM ${table} t USING ${TEMP.batch} b WHERE ${matches(key, 't', 'b')}`,
    sql`INSERT INTO ${table} BY NAME SELECT * FROM ${TEMP.batch}`,
  ];
}

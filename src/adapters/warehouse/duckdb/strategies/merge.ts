/** `merge`: per key the row with the highest version, then of the newest object. */
import { ident, raw, type Sql, sql } from '../../../../lib/sql.ts';
import { LINEAGE } from '../../../../model/schema.ts';
import {
  type Change,
  clear,
  columnNames,
  descending,
  enterFrom,
  fill,
  isDeleted,
  matches,
  names,
  newer,
  type Plan,
  ranked,
  type Step,
  type Strategy,
  TEMP,
  touched,
} from './strategy.ts';

export const merge: Strategy = {
  plan(change) {
    const { target, newest, complete, base, leaving, alone, empty } = change;
    const { key = [] } = target.strategy;
    if (alone) return { steps: fill(change, merge) };
    if (complete && newest) return { steps: [...clear(target), ...fill(change, merge)] };
    if (base === 'other') return { steps: [], rebuild: 'all' };
    if (leaving.length > 0) return { steps: [], rebuild: { columns: key, groups: touched(change, key) } };
    return empty ? { steps: [] } : upsert(change);
  },
  settle(rows, target) {
    const { strategy, tombstones } = target;
    const { key = [], version = [] } = strategy;
    const gone = tombstones ? raw(sql`, ${isDeleted(tombstones)} AS _gone`) : raw('');
    return raw(sql`SELECT ${columnNames(target)}${gone} FROM (${rows})
      QUALIFY row_number() OVER (PARTITION BY ${names(key)} ORDER BY ${descending(version)}) = 1`);
  },
};

/** The object's rows against those of the table and the tombstones: the losers of either side go. No primary key: DuckDB is faster without. */
function upsert({ target, incoming, newest, nulls, deletes }: Change): Plan {
  const { table, strategy, tombstones } = target;
  const { key = [], version = [] } = strategy;
  const batch = sql`CREATE TEMP TABLE ${TEMP.batch} AS ${merge.settle(ranked(incoming), target)}`;
  const places = [table, ...(tombstones ? [tombstones.table] : [])];
  const same = matches(key, 't', 'b', nulls);
  const steps: Step[] = [{ statement: batch }];
  if (!newest || version.length > 0) steps.push(...places.map((place) => ({ statement: lose(place) })));
  steps.push({ statement: sql`DELETE FROM ${table} t USING ${TEMP.batch} b WHERE ${same}`, counts: 'leave' });
  if (tombstones) steps.push({ statement: sql`DELETE FROM ${tombstones.table} t USING ${TEMP.batch} b WHERE ${same}` });
  return { steps: [...steps, ...enterFrom(TEMP.batch, target, deletes)], ranks: !newest };

  /** Rows of the batch that those in `place` are newer than. */
  function lose(place: Sql): string {
    if (newest)
      return sql`DELETE FROM ${TEMP.batch} b USING ${place} t WHERE ${same} AND ${newer(version, 't', 'b', raw('false'))}`;
    const there = ranked(raw(sql`SELECT ${names([...new Set([...key, ...version, LINEAGE.object])])} FROM ${place}`));
    return sql`DELETE FROM ${TEMP.batch} b USING (${there}) t, ${TEMP.active} a
      WHERE a.object_id = b.${ident(LINEAGE.object)} AND ${same} AND ${newer(version, 't', 'b', raw('t._rank > a.rank'))}`;
  }
}

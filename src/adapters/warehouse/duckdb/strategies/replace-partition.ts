/** `replace_partition`: per value of the partition columns the rows of the newest object that has any. */
import { raw, sql } from '../../../../lib/sql.ts';
import { columnNames, matches, names, ranked, type Strategy, TEMP, touched } from './strategy.ts';

export const replacePartition: Strategy = {
  plan(change) {
    const { target, incoming, leaving, newest, nulls } = change;
    const { table, strategy } = target;
    const { partition = [] } = strategy;
    if (leaving.length > 0) return { steps: [], rebuild: { columns: partition, groups: touched(change, partition) } };
    const owned = raw(sql`SELECT ${names(partition)}, _object FROM ${table}`);
    // Not the newest: partitions that a newer object has filled stay as they are.
    const lost = sql`DELETE FROM ${TEMP.batch} b USING (SELECT DISTINCT ${names(partition)}, _rank FROM (${ranked(owned)})) t
      WHERE ${matches(partition, 'b', 't', nulls)} AND t._rank > b._rank`;
    const batch = sql`CREATE TEMP TABLE ${TEMP.batch} AS SELECT DISTINCT ${names(partition)}, _rank FROM (${ranked(incoming)})`;
    const leave = sql`DELETE FROM ${table} t USING ${TEMP.batch} b WHERE ${matches(partition, 't', 'b', nulls)}`;
    const enter = sql`INSERT INTO ${table} BY NAME
      SELECT i.* FROM (${incoming}) i SEMI JOIN ${TEMP.batch} b ON ${matches(partition, 'i', 'b', nulls)}`;
    return {
      ranks: !newest,
      steps: [
        { statement: batch },
        ...(newest ? [] : [{ statement: lost }]),
        { statement: leave, counts: 'leave' },
        { statement: enter, counts: 'enter' },
      ],
    };
  },
  settle(rows, target) {
    const { partition = [] } = target.strategy;
    return raw(sql`SELECT ${columnNames(target)} FROM (${rows})
      QUALIFY rank() OVER (PARTITION BY ${names(partition)} ORDER BY _rank DESC) = 1`);
  },
};

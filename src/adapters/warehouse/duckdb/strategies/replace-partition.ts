/** `replace_partition`: per value of the partition columns the rows of the newest object that has any. */
import { raw, sql } from '../../../../lib/sql.ts';
import { columnNames, matches, names, ranked, type Strategy, TEMP, touched } from './strategy.ts';

export const replacePartition: Strategy = {
  plan(change) {
    const { target, incoming, leaving, newest } = change;
    const { table, strategy } = target;
    const { partition = [] } = strategy;
    if (leaving.length > 0)
      return { statements: [], rebuild: { columns: partition, groups: touched(change, partition) } };
    const owned = raw(sql`SELECT ${names(partition)}, _object FROM ${table}`);
    // Not the newest: partitions that a newer object has filled stay as they are.
    const lost = sql`DELETE FROM ${TEMP.batch} b USING (SELECT DISTINCT ${names(partition)}, _rank FROM (${ranked(owned)})) t
      WHERE ${matches(partition, 'b', 't')} AND t._rank > b._rank`;
    return {
      statements: [
        sql`CREATE TEMP TABLE ${TEMP.batch} AS SELECT DISTINCT ${names(partition)}, _rank FROM (${ranked(incoming)})`,
        ...(newest ? [] : [lost]),
        sql`DELETE FROM ${table} t USING ${TEMP.batch} b WHERE ${matches(partition, 't', 'b')}`,
        sql`INSERT INTO ${table} BY NAME SELECT i.* FROM (${incoming}) i SEMI JOIN ${TEMP.batch} b ON ${matches(partition, 'i', 'b')}`,
      ],
    };
  },
  settle(rows, target) {
    const { partition = [] } = target.strategy;
    return raw(sql`SELECT ${columnNames(target)} FROM (${rows})
      QUALIFY rank() OVER (PARTITION BY ${names(partition)} ORDER BY _rank DESC) = 1`);
  },
};

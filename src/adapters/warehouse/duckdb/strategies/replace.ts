/** `replace`: the rows of the newest active object. */
import { raw, sql } from '../../../../lib/sql.ts';
import { columnNames, type Strategy, TEMP } from './strategy.ts';

export const replace: Strategy = {
  plan({ target, incoming, leaving, newest }) {
    if (newest)
      return {
        statements: [sql`DELETE FROM ${target.table}`, sql`INSERT INTO ${target.table} BY NAME ${incoming}`],
      };
    return { statements: [], ...(leaving.length > 0 && { rebuild: 'all' }) };
  },
  settle: (rows, target) =>
    raw(sql`SELECT ${columnNames(target)} FROM (${rows}) WHERE _rank = (SELECT max(rank) FROM ${TEMP.active})`),
};

/** `replace`: the rows of the newest active object. */
import { raw, sql } from '../../../../lib/sql.ts';
import { clear, columnNames, type Strategy, TEMP } from './strategy.ts';

export const replace: Strategy = {
  plan({ target, incoming, leaving, newest }) {
    if (newest)
      return {
        steps: [...clear(target), { statement: sql`INSERT INTO ${target.table} BY NAME ${incoming}`, counts: 'enter' }],
      };
    return { steps: [], ...(leaving.length > 0 && { rebuild: 'all' }) };
  },
  settle: (rows, target) =>
    raw(sql`SELECT ${columnNames(target)} FROM (${rows}) WHERE _rank = (SELECT max(rank) FROM ${TEMP.active})`),
};

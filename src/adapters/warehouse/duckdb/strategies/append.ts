/** `append`: all rows of all active objects. */
import { raw, sql } from '../../../../lib/sql.ts';
import { columnNames, isOf, type Strategy } from './strategy.ts';

export const append: Strategy = {
  plan({ target, incoming, leaving }) {
    const leave = sql`DELETE FROM ${target.table} WHERE ${isOf(leaving)}`;
    const enter = sql`INSERT INTO ${target.table} BY NAME ${incoming}`;
    return { statements: leaving.length > 0 ? [leave, enter] : [enter] };
  },
  settle: (rows, target) => raw(sql`SELECT ${columnNames(target)} FROM (${rows})`),
};

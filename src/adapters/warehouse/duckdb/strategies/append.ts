/** `append`: all rows of all active objects. */
import { raw, sql } from '../../../../lib/sql.ts';
import { columnNames, isOf, type Step, type Strategy } from './strategy.ts';

export const append: Strategy = {
  plan({ target, incoming, leaving }) {
    const leave: Step = { statement: sql`DELETE FROM ${target.table} WHERE ${isOf(leaving)}`, counts: 'leave' };
    const enter: Step = { statement: sql`INSERT INTO ${target.table} BY NAME ${incoming}`, counts: 'enter' };
    return { steps: leaving.length > 0 ? [leave, enter] : [enter] };
  },
  settle: (rows, target) => raw(sql`SELECT ${columnNames(target)} FROM (${rows})`),
};

/** Which errors are of one table. */
import { GranaryError } from '../../../lib/errors.ts';
import { isOfTable } from '../../lib/sql/troubles.ts';
import { sqlStateOf } from '../errors.ts';

/** A lock, and a statement, that took too long. */
const TOO_LONG = new Set(['55P03', '57014']);

/** Whether the other tables can go on. */
export const isOfOneTable = (e: unknown): e is GranaryError =>
  e instanceof GranaryError && (isOfTable(e) || TOO_LONG.has(sqlStateOf(e.cause)));

/** What follows from what happened to tables beside changes of rows that the log tells. */
import type { ExtractDataset, ExtractRequest } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import type { MysqlCapture } from './capture.ts';
import { isOfOneTable, putAside } from './copying.ts';
import type { Incidents } from './incidents.ts';
import { isDue, type TableState } from './position.ts';

/** A table whose changes cannot be read from the log is read anew, but not often: the next ones cannot be read either. */
const UNREADABLE_TRIES = 10;

/** Renews the states. Returns whether any table is to be read anew at once. */
export async function heed(
  capture: MysqlCapture,
  request: ExtractRequest<SqlRead>,
  states: Record<string, TableState>,
  incidents: Incidents | undefined,
): Promise<boolean> {
  let isStale = false;
  for (const { dataset: name, error, added, altered, reason: known } of incidents?.all.values() ?? []) {
    const state = states[name];
    if (!state || state.stale !== null) continue;
    const dataset = request.datasets.find((d) => d.name === name)!;
    const reason = known ?? (altered ? await alteration(capture, dataset, state) : undefined);
    if (added.length > 0)
      request.warn(`${name}: the table has new columns that the contract does not have: ${added.join(', ')}.`);
    if (reason === undefined) continue;
    states[name] = error
      ? putAside(state, dataset, error, request, UNREADABLE_TRIES)
      : { ...state, stale: reason, trouble: null };
    isStale = true;
  }
  const now = request.now();
  for (const [name, table] of incidents?.cascades.changed ?? []) {
    const state = states[name];
    if (!state || state.stale !== null) continue;
    state.cascaded ??= { table, since: now };
    isStale ||= isDue(state, now);
  }
  return isStale;
}

/** Why an altered table has to be read anew, if it has to. */
async function alteration(
  capture: MysqlCapture,
  dataset: ExtractDataset<SqlRead>,
  state: TableState,
): Promise<string | undefined> {
  capture.forget(dataset.name);
  try {
    const table = await capture.table(dataset, undefined);
    return table.shape === state.shape ? undefined : 'the types of its columns changed';
  } catch (e) {
    if (isOfOneTable(e)) return e.message;
    throw e;
  }
}

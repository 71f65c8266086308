/**
 * What is open with a dataset's expectations, and when that ends. A problem ends for a dataset as a whole: `expectation.met` tells of the
 * end of the last one, so that nobody hears that all is well while another delivery is missing. Pure.
 */
import type { EventDoc } from '../../model/events.ts';
import type { ExpectationDoc, WatchDoc } from '../../model/expectations.ts';

/** Ids of slots. */
export interface TroubleChange {
  overdue: { add: string[]; remove: string[] };
  unusual: { add: string[]; remove: string[] };
}

export const noChange = (): TroubleChange => ({ overdue: { add: [], remove: [] }, unusual: { add: [], remove: [] } });

/** The watch after a change, and of which kind of problem the last one has ended with which slot. */
export function changed(
  watch: WatchDoc,
  { overdue, unusual }: TroubleChange,
): { watch: WatchDoc; ended: { kind: 'overdue' | 'unusual'; slot: string } | undefined } {
  const left = (ids: string[], change: TroubleChange['overdue']) =>
    [...new Set([...ids, ...change.add])].filter((id) => !change.remove.includes(id));
  const after = { ...watch, overdue: left(watch.overdue, overdue), unusual: left(watch.unusual, unusual) };
  const last = (kind: 'overdue' | 'unusual') =>
    watch[kind].length > 0 && after[kind].length === 0 ? { kind, slot: watch[kind].at(-1)! } : undefined;
  return { watch: after, ended: after.overdue.length > 0 ? undefined : (last('overdue') ?? last('unusual')) };
}

export type Told = 'late' | 'missed' | 'unusual';

/** One per slot and type. `message` says it in a sentence. */
export function slotEvent(doc: ExpectationDoc, told: Told, at: string, message: string, data = {}): EventDoc {
  return {
    id: `expectation.${told}|${doc.id}`,
    type: `expectation.${told}`,
    subject: doc.dataset,
    tenant: doc.tenant,
    at,
    data: { ...factsOf(doc), message, ...data },
  };
}

export function metEvent(
  doc: Pick<ExpectationDoc, 'dataset' | 'tenant'> & Partial<ExpectationDoc>,
  { kind, slot }: { kind: 'overdue' | 'unusual'; slot: string },
  at: string,
  message: string,
): EventDoc {
  return {
    id: `expectation.met|${slot}|${kind}`,
    type: 'expectation.met',
    subject: doc.dataset,
    tenant: doc.tenant,
    at,
    data: { ...factsOf(doc), resolves: kind, message },
  };
}

function factsOf(doc: Partial<ExpectationDoc>) {
  const { dataset, date, time, due, businessDate, state, arrivedAt, files, bytes, rows } = doc;
  const [, source, name] = (dataset ?? '').split('/');
  return { source, dataset: name, date, time, due, businessDate, state, arrivedAt, files, bytes, rows };
}

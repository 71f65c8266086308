/** Dead letters: units of work that gave up after their retries. Kept with their payload's reference until a person, or a later success, ends them. */
import { idOf } from '../lib/hash.ts';
import type { Collection } from '../ports/state-store.ts';

/** `open` → `replaying` → `resolved` or `open` again; or `discarded` by a person, with a reason. */
export type DeadLetterStatus = 'open' | 'replaying' | 'resolved' | 'discarded';

export interface DeadLetterDoc {
  /** Derived from what gave up, so that giving up again is the same dead letter, open again. */
  id: string;
  status: DeadLetterStatus;
  /** `file`: it could not be landed; `object`: a landed object could not be processed; `pipeline`: a run failed as a whole. */
  kind: 'file' | 'object' | 'pipeline';
  /** `tenant/source/dataset`; of a pipeline `''`. */
  dataset: string;
  tenant: string;
  source: string;
  pipeline: string;
  /** The run in which it gave up last. */
  run: string;
  /** State of the machine in which it gave up: `Land`, `Curate`. */
  state: string;
  /** Reference of the payload: the path at the source, the object's id, or the execution. */
  ref: string;
  /** What the machine was working on, to do it again: the item of its Map. At most a few kilobytes. */
  payload: unknown;
  /** Name of the file, for people. */
  name: string;
  /** Bytes of the payload, where known. */
  bytes: number | null;
  /** Error code and message, redacted. */
  error: string;
  reason: string;
  hint: string | null;
  transient: boolean;
  openedAt: string;
  updatedAt: string;
  /** What happened to it: gave up, replayed, resolved, discarded; oldest first, at most the last 50. */
  history: { at: string; what: string; run: string | null; error: string | null; by: string | null }[];
}
/** The dead letter of a unit of work: the file of a dataset, an object, or a run. */
export function deadLetterId(kind: DeadLetterDoc['kind'], ref: string): string {
  return idOf('dead_letter', kind, ref);
}

/** Not worth trying again within a run; later it may be over. */
const PASSING: ReadonlySet<string> = new Set(['store.disk_full', 'curate.no_reference']);

const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 3_600_000;

/**
 * Does a dead letter keep a run from its unit of work? Always in the run in which it gave up; what is being replayed is free. What gave up for a
 * passing reason (a server that is down, a full disk) is tried again by later runs, after a minute, then two, four… an hour; what failed for good waits
 * for a person, or for a run that is asked to try everything.
 */
export function isHeld(
  letter: DeadLetterDoc,
  by: { run: string; retry_dead_letters?: boolean | null },
  now: number,
): boolean {
  if (letter.status === 'resolved' || letter.status === 'replaying') return false;
  if (letter.status === 'discarded' || letter.run === by.run) return true;
  if (by.retry_dead_letters) return false;
  const passes = letter.transient || PASSING.has(letter.error);
  const times = letter.history.filter((h) => h.what === 'gave up').length;
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (times - 1));
  return !passes || now < Date.parse(letter.updatedAt) + wait;
}

export const DEAD_LETTERS: Collection<DeadLetterDoc> = {
  name: 'dead_letters',
  indexes: { status: ['status', 'updatedAt'], dataset: ['dataset', 'status'], ref: ['ref'], run: ['run'] },
};

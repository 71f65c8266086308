/**
 * Expectations: which deliveries of a dataset are due when, how much should be in them, and how each stands. What is expected is a rule;
 * a time at which it is due is a slot; what the watchdog knows of a slot is a document. Instants are in milliseconds since 1970, UTC; in
 * documents ISO 8601. Dates are `2026-11-25`.
 */
import type { Collection } from '../ports/state-store.ts';
import type { Calendar } from './calendar.ts';

export interface ExpectationRule {
  /** `tenant/source/dataset`. */
  dataset: string;
  tenant: string;
  /** Times of the day, oldest first: `06:00`; or a period in seconds, from midnight on. */
  when: { times: readonly string[] } | { every: number };
  /** Numbers are days of the week, 0 = Sunday. */
  days: 'all' | 'business' | readonly number[];
  calendar: Calendar | undefined;
  timeZone: string;
  toleranceMs: number;
  /** Which business date the data carries that is due on a day. */
  carries: 'same_day' | 'previous_day' | 'previous_business_day';
  /** Files that make a delivery, at least. */
  files: number;
  /** Names of the files have a business date. */
  dated: boolean;
  minBytes: number | undefined;
  maxBytes: number | undefined;
  minRows: number | undefined;
  maxRows: number | undefined;
  /** Undefined: volumes are not compared. `threshold`: of the modified z-score. */
  volume: { metric: 'rows' | 'bytes'; threshold: number; windowDays: number; seasonal: 'weekday' | 'none' } | undefined;
  /** Days on which nothing need come after all. */
  forgive: readonly string[];
}

/** A delivery that is due. */
export interface Slot {
  /** `dataset|due`: those of a dataset sort by time. */
  id: string;
  dataset: string;
  /** The day on which it is due, in the rule’s zone, and the time there. */
  date: string;
  time: string;
  /** What its files carry. */
  businessDate: string;
  due: number;
  /** From here on it is late. */
  lateAt: number;
  /** From here on it is missed: the next one is due, or the day after is over; not before it is late. */
  missedAt: number;
}

export type ExpectationState = 'due' | 'arrived' | 'late' | 'missed' | 'forgiven';

/** Something that is wrong with a delivery that has come. */
export interface ExpectationFinding {
  code:
    | 'quarantined'
    | 'duplicate'
    | 'bytes_low'
    | 'bytes_high'
    | 'bytes_unusual'
    | 'rows_low'
    | 'rows_high'
    | 'rows_unusual';
  /** `312 rows; usual on a Wednesday: 1,180–1,420` */
  message: string;
}

/** What the watchdog knows and has told of a slot. Id: the slot’s. */
export interface ExpectationDoc {
  id: string;
  dataset: string;
  tenant: string;
  date: string;
  time: string;
  businessDate: string;
  due: string;
  state: ExpectationState;
  /** 1 while something may still become of it, else 0. */
  open: number;
  /** When the last file that was needed came. */
  arrivedAt: string | null;
  files: number;
  bytes: number;
  /** Null as long as nobody has counted them. */
  rows: number | null;
  /** Null until it was judged. */
  findings: ExpectationFinding[] | null;
  /** When each was told. */
  told: { late?: string; missed?: string; unusual?: string };
  /** By a person. */
  forgiven: { at: string; by: string; reason: string } | null;
}
export const EXPECTATIONS: Collection<ExpectationDoc> = {
  name: 'expectations',
  indexes: { open: ['dataset', 'open', 'due'], dataset: ['dataset', 'due'], date: ['date', 'dataset'] },
};

/** How far a dataset has been watched, and what is wrong with it. Id: the dataset. */
export interface WatchDoc {
  id: string;
  /** What was due before is not told of. */
  since: string;
  /** Every delivery of the days before is dealt with, or has an open document. */
  doneUntil: string;
  /** Ids of slots that were told as late or missed, and as unusual, and have not ended. */
  overdue: string[];
  unusual: string[];
}
export const WATCHES: Collection<WatchDoc> = { name: 'expectation_watches', indexes: {} };

/** The last due time of a pipeline that was told as missed. Id: the pipeline. */
export interface MissedTriggerDoc {
  id: string;
  due: string;
}
export const MISSED_TRIGGERS: Collection<MissedTriggerDoc> = { name: 'missed_triggers', indexes: {} };

/** Id: the dataset. */
export interface ErrorBudgetDoc {
  id: string;
  state: 'within' | 'exceeded';
  /** Since when. */
  since: string;
  /** Within the budget’s time. */
  failed: number;
  landed: number;
}
export const ERROR_BUDGETS: Collection<ErrorBudgetDoc> = { name: 'error_budgets', indexes: {} };

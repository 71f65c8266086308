/** Schedules: when a pipeline is due. Pure. */
import { Cron } from 'croner';
import type { Calendar } from './calendar.ts';

export type Trigger =
  /** Five fields (minute, hour, day, month, weekday), or six with seconds first. */
  | { kind: 'cron'; cron: string }
  | { kind: 'every'; seconds: number }
  /** When files have arrived at a source. */
  | { kind: 'arrival' }
  /** By hand, and by events where there are any. */
  | { kind: 'manual' };

export const MISSED = ['latest', 'all', 'skip'] as const;
/** What becomes of times that passed while nothing ran: one run for the latest, a run for each, or none. */
export type Missed = (typeof MISSED)[number];

export const OVERLAPS = ['skip', 'queue', 'replace'] as const;
/** What happens when a pipeline is due and still running. */
export type Overlap = (typeof OVERLAPS)[number];

export interface Schedule {
  trigger: Trigger;
  /** IANA name; the zone of cron fields and of the days that `every` is aligned to. */
  timeZone: string;
  /** For `days: business`. */
  calendar: Calendar | undefined;
  days: 'all' | 'business';
  missed: Missed;
  enabled: boolean;
}

/** What is wrong with a cron expression; undefined when nothing is. */
export function cronProblem(text: string): string | undefined {
  try {
    new Cron(text, { paused: true });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Timestamps of the language: RFC 3339 with upper-case `T` and `Z`. */

export interface Timestamp {
  /** Since 1970, UTC. */
  seconds: number;
  nanos: number;
}

const PATTERN = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})$/;

/** Undefined for what is no timestamp, or no day of the calendar. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const m = PATTERN.exec(text);
  if (!m) return undefined;
  const [, day, time, fraction, zone] = m;
  const ms = Date.parse(`${day}T${time}${zone}`);
  // Date.parse takes 30 February as a day of March.
  if (Number.isNaN(ms) || Number.isNaN(Date.parse(`${day}T00:00:00Z`))) return undefined;
  if (new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day) return undefined;
  return { seconds: ms / 1000, nanos: Number((fraction ?? '').slice(0, 9).padEnd(9, '0')) };
}

/** How long until a source is looked at again. Pure; times in milliseconds. */

export interface Bounds {
  /** Of the time between two looks. */
  min: number;
  max: number;
}

export interface Looks {
  /** Looks since the last one that found something. */
  idle: number;
  /** Looks that failed in a row. */
  errors: number;
  lastArrival: number | undefined;
  /** By quarter of an hour of the day, UTC: 0 to 1000. */
  usual: readonly number[];
}

const QUARTER = 900_000;
export const QUARTERS = 96;
/** After an arrival others are likely. */
const AFTERGLOW = 600_000;
/** Arrivals in about one of eight recent days. */
const USUAL = 125;

/**
 * The shortest time after an arrival and in the quarters of an hour in which files usually come; growing by half with every look in
 * vain otherwise, but not past the beginning of a usual quarter. After errors it doubles with each.
 */
export function pollInterval(looks: Looks, { min, max }: Bounds, now: number): number {
  if (looks.errors > 0) return Math.min(max, min * 2 ** Math.min(30, looks.errors - 1));
  if (looks.lastArrival !== undefined && now - looks.lastArrival < AFTERGLOW) return min;
  if (isUsual(looks.usual, quarterOf(now))) return min;
  const grown = Math.min(max, min * 1.5 ** Math.min(60, looks.idle));
  for (let start = (Math.floor(now / QUARTER) + 1) * QUARTER; start < now + grown; start += QUARTER)
    if (isUsual(looks.usual, quarterOf(start))) return Math.max(min, start - now);
  return Math.round(grown);
}

const quarterOf = (instant: number) => Math.floor(instant / QUARTER) % QUARTERS;
const isUsual = (usual: readonly number[], quarter: number) => (usual[quarter] ?? 0) >= USUAL;

/** The habit after an arrival: each day weighs an eighth, in the quarter and the one before it. */
export function withArrival(usual: readonly number[], at: number, last: number | undefined): number[] {
  const out = Array.from({ length: QUARTERS }, (_, i) => usual[i] ?? 0);
  const quarter = quarterOf(at);
  const days = last === undefined ? 0 : Math.floor(at / 86_400_000) - Math.floor(last / 86_400_000);
  if (days > 0) for (let i = 0; i < QUARTERS; i++) out[i] = Math.round(out[i]! * 0.875 ** Math.min(days, 100));
  for (const q of [quarter, (quarter + QUARTERS - 1) % QUARTERS]) out[q] = Math.min(1000, Math.max(out[q]!, 0) + 125);
  return out;
}

/**
 * Is an amount (rows, bytes) unusual against its own history? Robust statistics, so that a few odd days neither hide the next one nor
 * raise a false alarm: the modified z-score of Iglewicz and Hoaglin (How to Detect and Handle Outliers, ASQC 1993),
 * 0.6745 · (x − median) / MAD, unusual beyond 3.5. On a log scale: half as much is as odd as twice as much. Pure.
 */

export interface Sample {
  /** Amounts are compared with those of the same season: a weekday, a weekday and time of day. */
  season: string;
  value: number;
}

export interface Usual {
  median: number;
  /** An amount outside of these is unusual. Rounded. */
  low: number;
  high: number;
  samples: number;
  /** `season`: of the same season only; `all`: there were too few of the season. */
  basis: 'season' | 'all';
}

/** Fewer than these tell nothing. */
export const MIN_SAMPLES = 5;
export const THRESHOLDS = { high: 2.5, normal: 3.5, low: 5 } as const;
/** Up to this share more or less is never unusual, however steady the history. */
const ALWAYS_USUAL = 0.1;
/** Makes MAD an estimate of the standard deviation; 1.253314 does so for the mean absolute deviation, which stands in when MAD is 0. */
const MAD_FACTOR = 0.6745;
const MEAN_AD_FACTOR = 1.253314;

/** What is usual in a season; undefined with fewer than `MIN_SAMPLES` samples in all. `threshold`: of the modified z-score. */
export function usualAmount(samples: readonly Sample[], season: string, threshold: number): Usual | undefined {
  const same = samples.filter((s) => s.season === season);
  const basis = same.length >= MIN_SAMPLES ? 'season' : 'all';
  const logs = (basis === 'season' ? same : samples).map((s) => logOf(s.value)).sort((a, b) => a - b);
  if (logs.length < MIN_SAMPLES) return undefined;
  const centre = median(logs);
  const reach = Math.max(threshold * spread(logs, centre), Math.log(1 + ALWAYS_USUAL));
  const low = Math.max(0, Math.ceil(amountOf(centre - reach)));
  return {
    median: Math.round(amountOf(centre)),
    low,
    high: Math.max(low, Math.floor(amountOf(centre + reach))),
    samples: logs.length,
    basis,
  };
}

export function isUnusual(value: number, { low, high }: Pick<Usual, 'low' | 'high'>): 'low' | 'high' | undefined {
  return value < low ? 'low' : value > high ? 'high' : undefined;
}

/** An amount of 0 has no logarithm. */
const logOf = (value: number) => Math.log(Math.max(0, value) + 1);
const amountOf = (log: number) => Math.exp(log) - 1;

/** Of sorted numbers. */
function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** 0 when all are the same. */
function spread(logs: readonly number[], centre: number): number {
  const deviations = logs.map((x) => Math.abs(x - centre)).sort((a, b) => a - b);
  const mad = median(deviations);
  if (mad > 1e-12) return mad / MAD_FACTOR;
  return (deviations.reduce((a, b) => a + b, 0) / deviations.length) * MEAN_AD_FACTOR;
}

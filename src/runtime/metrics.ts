/** Durations of stages in this process, for histograms: they begin anew with it, as Prometheus expects of counters. */
import type { HistogramSample } from '../lib/openmetrics.ts';

const BOUNDS_S = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

interface Durations {
  stage: string;
  outcome: string;
  counts: number[];
  sum: number;
}

export class Meter {
  readonly #stages = new Map<string, Durations>();

  /** `outcome`: `ok`, or the code of the error. Never throws. */
  record(stage: string, seconds: number, outcome: string): void {
    const key = `${stage} ${outcome}`;
    const d = this.#stages.get(key) ?? { stage, outcome, counts: BOUNDS_S.map(() => 0).concat(0), sum: 0 };
    this.#stages.set(key, d);
    const s = Math.max(0, seconds);
    const i = BOUNDS_S.findIndex((bound) => s <= bound);
    d.counts[i < 0 ? BOUNDS_S.length : i]!++;
    d.sum += s;
  }

  stages(): HistogramSample[] {
    return [...this.#stages.values()].map(({ stage, outcome, counts, sum }) => ({
      labels: { stage, outcome },
      bounds: BOUNDS_S,
      counts: [...counts],
      sum,
    }));
  }
}

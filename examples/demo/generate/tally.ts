/** What the generator knows of a file: how many rows of each kind it has put in. Compared with Granary's books afterwards. */

export interface Tally {
  received: number;
  loaded: number;
  filtered: number;
  deduplicated: number;
  rejected: number;
}

export type Fate = 'loaded' | 'filtered' | 'deduplicated' | 'rejected';

export class Counter implements Tally {
  received = 0;
  loaded = 0;
  filtered = 0;
  deduplicated = 0;
  rejected = 0;

  add(fate: Fate, rows = 1): void {
    this.received += rows;
    this[fate] += rows;
  }

  addAll(other: Tally): void {
    for (const fate of ['loaded', 'filtered', 'deduplicated', 'rejected'] as const) this.add(fate, other[fate]);
  }
}

/** The same bytes under another name: nothing of them is looked at again. */
export function identical({ received }: Tally): Tally {
  return { received, loaded: 0, filtered: 0, deduplicated: received, rejected: 0 };
}

/** Good rows that newer ones have the better of. */
export function overtaken({ received, loaded, filtered, deduplicated, rejected }: Tally): Tally {
  return { received, loaded: 0, filtered, deduplicated: deduplicated + loaded, rejected };
}

/** What tells records apart. */
import { parseKeyPath, valueAt } from './paths.ts';

/** Parameters (`_date`) are the same for all records of a list, and say nothing here. */
export function keyOf(record: unknown, key: readonly string[]): string {
  return JSON.stringify(key.filter((k) => !k.startsWith('_')).map((k) => valueAt(record, parseKeyPath(k)!) ?? null));
}

/** Above this what is remembered would be too large. */
const MOST = 1_000_000;

/** Counts different records. */
export class DistinctKeys {
  readonly #key: readonly string[];
  readonly #seen = new Set<string>();
  #complete = true;

  constructor(key: readonly string[]) {
    this.#key = key;
    if (key.length === 0) this.#complete = false;
  }

  add(records: readonly unknown[]): void {
    if (!this.#complete) return;
    for (const record of records) this.#seen.add(keyOf(record, this.#key));
    if (this.#seen.size > MOST) this.lose();
  }

  /** Records came that were not counted. */
  lose(): void {
    this.#complete = false;
    this.#seen.clear();
  }

  /** Undefined: not known. */
  get count(): number | undefined {
    return this.#complete ? this.#seen.size : undefined;
  }
}

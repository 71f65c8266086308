/** The columns that JSON documents have: the paths of their values that are not objects. */
import { formatPath, type PathStep, startsWithPath } from './paths.ts';

interface Seen {
  parent: Seen | undefined;
  /** It is an element of an array that is opened: its keys are columns, and a scalar among objects is an odd record. */
  element: boolean;
  /** It was an object with keys. */
  object: boolean;
  /** It was a value other than an object or null. */
  scalar: boolean;
  /** Of those: not a string. */
  notString: boolean;
}

export interface LeafPath {
  path: string;
  /** Every value seen was a JSON string. */
  strings: boolean;
}

/** Deeper values, and those of documents with more keys than this in all, are columns as a whole: such objects are maps, not records. */
const DEEPEST = 16;
const MOST_PATHS = 4000;

export class LeafPaths {
  readonly #records: readonly PathStep[];
  readonly #seen = new Map<string, Seen>();

  /** Arrays are columns as a whole, but for those on the way to the records. */
  constructor(records: readonly PathStep[]) {
    this.#records = records;
  }

  /** `at`: where in its document the value is. */
  add(value: unknown, at: PathStep[] = [], parent?: Seen): void {
    if (startsWithPath(this.#records, [...at, 'each'])) {
      // What stands alone in place of an array is read as its one element.
      const elements = Array.isArray(value) ? value : [value];
      for (const element of elements) if (element !== null) this.add(element, [...at, 'each'], parent);
      return;
    }
    const seen = at.length > 0 ? this.#see(at, parent) : undefined;
    if (value === null) return;
    const isObject = typeof value === 'object' && !Array.isArray(value);
    if (isObject && at.length < DEEPEST && this.#seen.size < MOST_PATHS) {
      const entries = Object.entries(value);
      if (seen && entries.length > 0) seen.object = true;
      for (const [key, v] of entries) this.add(v, [...at, { key }], seen);
    } else if (seen) {
      seen.scalar = true;
      seen.notString ||= typeof value !== 'string';
    }
  }

  /** In the order in which they were first seen. What is an object here and something else there is one column. */
  leaves(): LeafPath[] {
    const isColumn = (s: Seen) => !s.object || (s.scalar && !s.element);
    const withinColumn = (s: Seen): boolean => s.parent !== undefined && (isColumn(s.parent) || withinColumn(s.parent));
    return [...this.#seen.entries()]
      .filter(([, s]) => isColumn(s) && !withinColumn(s))
      .map(([path, s]) => ({ path, strings: s.scalar && !s.notString && !s.object }));
  }

  #see(at: PathStep[], parent: Seen | undefined): Seen {
    const text = formatPath(at);
    let seen = this.#seen.get(text);
    if (!seen) {
      seen = { parent, element: at.at(-1) === 'each', object: false, scalar: false, notString: false };
      this.#seen.set(text, seen);
    }
    return seen;
  }
}

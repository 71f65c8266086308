/** The accounting of rows: `received = loaded + filtered + deduplicated + rejected`, always. */
import { GranaryError } from '../lib/errors.ts';
import type { Collection } from '../ports/state-store.ts';

export interface Books {
  received: number;
  loaded: number;
  filtered: number;
  deduplicated: number;
  rejected: number;
}

/** Rows that broke each rule; warnings are of rows that are stored. A row that breaks two rules counts under both. */
export type ByRule = Record<string, { severity: string; rows: number }>;

export const EMPTY_BOOKS: Books = { received: 0, loaded: 0, filtered: 0, deduplicated: 0, rejected: 0 };

/** Received minus everything that is accounted for; 0 when the books balance. */
export function difference(b: Books): number {
  return b.received - b.loaded - b.filtered - b.deduplicated - b.rejected;
}

export function addBooks(a: Books, b: Books): Books {
  return {
    received: a.received + b.received,
    loaded: a.loaded + b.loaded,
    filtered: a.filtered + b.filtered,
    deduplicated: a.deduplicated + b.deduplicated,
    rejected: a.rejected + b.rejected,
  };
}

/** Throws `books.imbalance`, saying by how much, unless the books balance. */
export function assertBalanced(b: Books, where: { object: string; dataset: string }): void {
  const off = difference(b);
  if (off === 0) return;
  throw new GranaryError(
    'books.imbalance',
    `${where.dataset}: received ${b.received} rows, but loaded ${b.loaded} + filtered ${b.filtered} + deduplicated ${b.deduplicated} + rejected ${b.rejected} makes ${b.received - off}.`,
    {
      where: { object: where.object },
      hint: 'Nothing of this object was published. Please report this with the file: it is a defect of Granary.',
      details: { ...b, ...where },
    },
  );
}

/** One entry of the books: one object, one dataset, one curation. Id: the curation id, or the object id for objects that were never curated. */
export interface BooksDoc extends Books {
  id: string;
  run: string;
  object: string;
  dataset: string;
  table: string;
  file: string;
  declaredRows: number | null;
  byRule: ByRule;
  /** 1 while these rows stand in the table, 0 after a replay or a newer version of the file has taken their place. */
  active: number;
  at: string;
}
export const BOOKS: Collection<BooksDoc> = {
  name: 'books',
  indexes: { object: ['object'], dataset: ['dataset', 'active'], run: ['run'], active: ['active'] },
};

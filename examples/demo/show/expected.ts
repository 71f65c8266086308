/** Compares the books with what the generator knows it has put into the files. */
import type { Terminal } from '../../../src/cli/terminal/terminal.ts';
import { formatCount } from '../../../src/lib/units.ts';
import type { DatasetBooks } from '../../../src/runtime/books.ts';
import { shortName } from '../../../src/runtime/names.ts';
import type { ExpectedBooks } from '../generate/deliveries.ts';

const NUMBERS = ['received', 'loaded', 'filtered', 'deduplicated', 'rejected'] as const;

/** Sentences for each number that is another than expected. Pure. */
export function differences(expected: ExpectedBooks, books: readonly DatasetBooks[]): string[] {
  const found = new Map(books.map((b) => [shortName(b.dataset), b]));
  const names = new Set([...expected.keys(), ...found.keys()]);
  return [...names].flatMap((dataset) =>
    NUMBERS.filter((n) => expected.get(dataset)?.[n] !== found.get(dataset)?.[n]).map(
      (n) =>
        `${dataset}: ${n} ${found.get(dataset)?.[n] ?? 'nothing'}, the generator made ${expected.get(dataset)?.[n] ?? 'nothing'}`,
    ),
  );
}

/** Throws when they differ: a demo of books that do not add up shows nothing. */
export function proveBooks(expected: ExpectedBooks, books: readonly DatasetBooks[], terminal: Terminal): void {
  const wrong = differences(expected, books);
  if (wrong.length > 0) throw new Error(`The books are not what was generated:\n${wrong.join('\n')}`);
  const rows = books.reduce((n, b) => n + b.received, 0);
  terminal.line(
    terminal.style.green(
      `  The generator counted while it made these files: all ${formatCount(rows)} rows went where they had to go.`,
    ),
  );
}

/** The books, as people ask for them: entries by run, dataset or object, and their sums by dataset. */
import { addBooks, BOOKS, type Books, type BooksDoc, type ByRule, difference, EMPTY_BOOKS } from '../model/books.ts';
import { RUNS } from '../model/runs.ts';
import type { StageContext } from '../stages/context.ts';
import { plain } from '../stages/verify/verify.ts';
import { isInDatasets } from './names.ts';

export interface BooksFilter {
  /** Id of a run, or `last`. */
  run?: string;
  /** `source` or `source.dataset`; all if empty. */
  datasets?: readonly string[];
  /** Id of an object. */
  object?: string;
  /** Only entries that are off, see `isOff`. */
  unbalanced?: boolean;
  /** Also entries whose rows have left the table again. A run's entries are given whole in any case. */
  all?: boolean;
}

/** Entries by dataset, then in the order in which they were made. */
export async function findBooks(filter: BooksFilter, context: StageContext): Promise<BooksDoc[]> {
  const run = filter.run === 'last' ? await latestRun(context) : filter.run;
  if (filter.run !== undefined && run === undefined) return [];
  const out: BooksDoc[] = [];
  const by =
    run !== undefined
      ? { index: 'run', equals: [run] }
      : filter.object !== undefined
        ? { index: 'object', equals: [filter.object] }
        : {};
  for await (const doc of context.state.query(BOOKS, by)) {
    if (filter.object !== undefined && doc.object !== filter.object) continue;
    if (run === undefined && !filter.all && doc.active === 0) continue;
    if (!isInDatasets(doc.dataset, filter.datasets ?? []) || (filter.unbalanced && !isOff(doc))) continue;
    out.push(plain<BooksDoc>(doc));
  }
  return out.sort((a, b) => compare(a.dataset, b.dataset) || compare(a.at, b.at));
}

/** Does not balance, or is not what the sender declared. */
export function isOff(doc: BooksDoc): boolean {
  return difference(doc) !== 0 || (doc.declaredRows !== null && doc.declaredRows !== doc.received);
}

export interface DatasetBooks extends Books {
  dataset: string;
  table: string;
  objects: number;
  byRule: ByRule;
}

/** Sums by dataset, in the order of the entries. */
export function sumByDataset(docs: readonly BooksDoc[]): DatasetBooks[] {
  return [...Map.groupBy(docs, (d) => d.dataset)].map(([dataset, entries]) => ({
    dataset,
    table: entries[0]!.table,
    objects: new Set(entries.map((e) => e.object)).size,
    ...entries.reduce<Books>((sum, e) => addBooks(sum, e), EMPTY_BOOKS),
    byRule: sumRules(entries.map((e) => e.byRule)),
  }));
}

function sumRules(all: readonly ByRule[]): ByRule {
  const out: ByRule = {};
  for (const [rule, { severity, rows }] of all.flatMap((r) => Object.entries(r)))
    out[rule] = { severity, rows: (out[rule]?.rows ?? 0) + rows };
  return out;
}

async function latestRun(context: StageContext): Promise<string | undefined> {
  for await (const run of context.state.query(RUNS, { index: 'started', descending: true, limit: 1 })) return run.id;
  return undefined;
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

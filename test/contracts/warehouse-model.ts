/** What a table must hold after any loads, computed slowly and plainly from its active objects. The rules are on `LoadStrategy`. */
import type { LoadStrategy } from '../../src/ports/warehouse.ts';
import type { Row, TestObject } from './warehouse-objects.ts';

/** A row of an object, and where it is from. */
interface Line {
  row: Row;
  object: TestObject;
  line: number;
}

/** A value of `_valid_from` before all others. */
export const ALWAYS = '-infinity';

/** `temporal`: the first version column is a date or time. Rows come in no order; tombstones not among them. */
export function tableOf(objects: readonly TestObject[], strategy: LoadStrategy, temporal: boolean): Row[] {
  return settledOf(objects, strategy, temporal)
    .filter((s) => !saysDeleted(s.line, strategy))
    .map((s) => s.row);
}

/** How many rows of an object are in the table or are tombstones. */
export function countOf(objects: readonly TestObject[], strategy: LoadStrategy, temporal: boolean, id: string): number {
  return settledOf(objects, strategy, temporal).filter((s) => s.row['_object'] === id).length;
}

interface Settled {
  row: Row;
  line: Line;
}

function settledOf(objects: readonly TestObject[], strategy: LoadStrategy, temporal: boolean): Settled[] {
  const old = [...objects].sort((a, b) => compare(a.order, b.order) || compare(a.id, b.id));
  const lines = old.flatMap((object) => object.rows.map((row, i) => ({ row, object, line: i + 1 })));
  const plain = (found: Line[]) => found.map((line) => ({ row: stored(line, strategy), line }));
  switch (strategy.strategy) {
    case 'append':
      return plain(lines);
    case 'replace':
      return plain(lines.filter((l) => l.object === old.at(-1)));
    case 'merge': {
      const base = old.findLastIndex((o) => o.complete);
      const counting = lines.filter((l) => old.indexOf(l.object) >= base);
      return plain(groups(counting, strategy.key!).map((g) => last(byVersion(g, strategy, old))));
    }
    case 'replace_partition':
      return groups(lines, strategy.partition!).flatMap((g) => {
        const owner = old.findLast((o) => g.some((l) => l.object === o));
        return plain(g.filter((l) => l.object === owner));
      });
    case 'snapshot':
      return groups(lines, strategy.key!).flatMap((g) => history(g, strategy, old, temporal));
  }
}

const isTold = ({ strategy }: LoadStrategy) => strategy === 'merge' || strategy === 'snapshot';

const saysDeleted = ({ row }: Line, strategy: LoadStrategy): boolean =>
  strategy.deleted !== undefined && isTold(strategy) && row[strategy.deleted] === true;

/** What was so from a moment on: a row, perhaps one that says that the key is deleted, or that the key was absent. */
interface State {
  since: string;
  line: Line | undefined;
}

function history(lines: Line[], strategy: LoadStrategy, old: readonly TestObject[], temporal: boolean): Settled[] {
  const states = strategy.deletes ? listed(lines, strategy, old) : reported(lines, strategy, old, temporal);
  // A state that is known only after a later one has begun did not last for any time.
  for (let i = states.length - 2; i >= 0; i--)
    if (states[i]!.since > states[i + 1]!.since) states[i]!.since = states[i + 1]!.since;
  const content = (s: State) =>
    s.line && !saysDeleted(s.line, strategy) ? contentOf(s.line.row, strategy) : undefined;
  const changes: State[] = [];
  for (const since of [...new Set(states.map((s) => s.since))]) {
    const moment = states.filter((s) => s.since === since);
    const final = moment.find((s) => content(s) === content(moment.at(-1)!))!;
    const before = changes.at(-1);
    if (before ? content(before) !== content(final) : final.line) changes.push(final);
  }
  return changes.flatMap((s, i) => {
    const to = changes[i + 1]?.since ?? null;
    if (!s.line) return [];
    const row = { ...stored(s.line, strategy), _valid_from: s.since, _valid_to: to, _is_current: to === null };
    return [{ row, line: s.line }];
  });
}

/** By version, but what a complete object and those after it say comes after all that older ones say. */
function reported(lines: Line[], strategy: LoadStrategy, old: readonly TestObject[], temporal: boolean): State[] {
  const version = strategy.version?.[0];
  const states: State[] = [];
  let from = 0;
  for (const next of [...old.keys()].filter((i) => old[i]!.complete).concat(old.length)) {
    const said = lines.filter((l) => old.indexOf(l.object) >= from && old.indexOf(l.object) < next);
    for (const line of byVersion(said, strategy, old)) {
      const since = temporal && version ? (line.row[version] as string | null) : line.object.effective;
      states.push({ since: since ?? ALWAYS, line });
    }
    const complete = old[next];
    const told = lines.some((l) => old.indexOf(l.object) < next);
    if (complete && told && !lines.some((l) => l.object === complete))
      states.push({ since: knownOf(next, old), line: undefined });
    from = next;
  }
  return states;
}

/** When it was first known what a complete object says: the earliest time of it and newer complete ones. */
function knownOf(index: number, old: readonly TestObject[]): string {
  return [...old.slice(index)]
    .filter((o) => o.complete)
    .map((o) => o.effective)
    .sort()[0]!;
}

function listed(lines: Line[], strategy: LoadStrategy, old: readonly TestObject[]): State[] {
  const first = Math.min(...lines.map((l) => old.indexOf(l.object)));
  return old.slice(first).map((object) => ({
    since: object.effective,
    line: byVersion(
      lines.filter((l) => l.object === object),
      strategy,
      old,
    ).at(-1),
  }));
}

/** From the lowest version to the highest, then by object, then by line. */
function byVersion(lines: readonly Line[], { version = [] }: LoadStrategy, old: readonly TestObject[]): Line[] {
  return [...lines].sort((a, b) => {
    for (const column of version) {
      const [x, y] = [a.row[column] ?? null, b.row[column] ?? null];
      if (x === y) continue;
      if (x === null) return -1;
      if (y === null) return 1;
      return compare(x as string, y as string);
    }
    return old.indexOf(a.object) - old.indexOf(b.object) || a.line - b.line;
  });
}

function groups(lines: readonly Line[], columns: readonly string[]): Line[][] {
  const found = new Map<string, Line[]>();
  for (const line of lines) {
    const key = JSON.stringify(columns.map((c) => line.row[c] ?? null));
    found.set(key, [...(found.get(key) ?? []), line]);
  }
  return [...found.values()];
}

function contentOf(row: Row, { key = [], version = [], deleted }: LoadStrategy): string {
  const untracked = [...key, ...version, deleted];
  return JSON.stringify(Object.entries(row).filter(([name]) => !untracked.includes(name)));
}

/** The row as the table has it: without the column that says that it is deleted, where rows are told apart by it. */
function stored({ row, object, line }: Line, strategy: LoadStrategy): Row {
  const shown = Object.entries(row).filter(([name]) => !isTold(strategy) || name !== strategy.deleted);
  return { ...Object.fromEntries(shown), _object: object.id, _line: line };
}

const last = <T>(items: T[]): T => items.at(-1)!;

const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

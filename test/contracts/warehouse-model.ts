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

/** `temporal`: the first version column is a date or time. Rows come in no order. */
export function tableOf(objects: readonly TestObject[], strategy: LoadStrategy, temporal: boolean): Row[] {
  const old = [...objects].sort((a, b) => compare(a.order, b.order) || compare(a.id, b.id));
  const lines = old.flatMap((object) => object.rows.map((row, i) => ({ row, object, line: i + 1 })));
  switch (strategy.strategy) {
    case 'append':
      return lines.map(stored);
    case 'replace':
      return lines.filter((l) => l.object === old.at(-1)).map(stored);
    case 'merge':
      return groups(lines, strategy.key!).map((g) => stored(last(byVersion(g, strategy, old))));
    case 'replace_partition':
      return groups(lines, strategy.partition!).flatMap((g) => {
        const owner = old.findLast((o) => g.some((l) => l.object === o));
        return g.filter((l) => l.object === owner).map(stored);
      });
    case 'snapshot':
      return groups(lines, strategy.key!).flatMap((g) => history(g, strategy, old, temporal));
  }
}

/** What was so from a moment on: a row, or that the key was absent. */
interface State {
  since: string;
  line: Line | undefined;
}

function history(lines: Line[], strategy: LoadStrategy, old: readonly TestObject[], temporal: boolean): Row[] {
  const states = strategy.deletes ? listed(lines, strategy, old) : reported(lines, strategy, old, temporal);
  // A state that is known only after a later one has begun did not last for any time.
  for (let i = states.length - 2; i >= 0; i--)
    if (states[i]!.since > states[i + 1]!.since) states[i]!.since = states[i + 1]!.since;
  const content = (s: State) => s.line && contentOf(s.line.row, strategy);
  const changes: State[] = [];
  for (const since of [...new Set(states.map((s) => s.since))]) {
    const moment = states.filter((s) => s.since === since);
    const final = moment.find((s) => content(s) === content(moment.at(-1)!))!;
    const before = changes.at(-1);
    if (before ? content(before) !== content(final) : final.line) changes.push(final);
  }
  return changes.flatMap((s, i) => {
    const to = changes[i + 1]?.since ?? null;
    return s.line ? [{ ...stored(s.line), _valid_from: s.since, _valid_to: to, _is_current: to === null }] : [];
  });
}

function reported(lines: Line[], strategy: LoadStrategy, old: readonly TestObject[], temporal: boolean): State[] {
  const version = strategy.version?.[0];
  return byVersion(lines, strategy, old).map((line) => {
    const since = temporal && version ? (line.row[version] as string | null) : line.object.effective;
    return { since: since ?? ALWAYS, line };
  });
}

function listed(lines: Line[], strategy: LoadStrategy, old: readonly TestObject[]): State[] {
  return old.map((object) => ({
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

function contentOf(row: Row, { key = [], version = [] }: LoadStrategy): string {
  const untracked = [...key, ...version];
  return JSON.stringify(Object.entries(row).filter(([name]) => !untracked.includes(name)));
}

const stored = ({ row, object, line }: Line): Row => ({ ...row, _object: object.id, _line: line });

const last = <T>(items: T[]): T => items.at(-1)!;

const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * From where is read, and how far is read then.
 *
 * A row whose transaction is committed late has a value below those that were seen already. So reading begins again at a mark that lies before the oldest
 * transaction that was open when the snapshot was taken, less a look-back for what cannot be known: clocks of applications, servers that do not tell.
 */
import { GranaryError } from '../../../lib/errors.ts';
import type { Horizon, SourceColumn } from './database.ts';
import { addDecimals, compareDecimals } from './decimals.ts';
import type { TableMark } from './position.ts';
import type { SqlRead } from './read.ts';
import { formatDate, formatTime, fromSeconds, parseTime } from './times.ts';

export type WatermarkKind = 'instant' | 'wall clock' | 'date' | 'number' | 'other';

const DEFAULT_SECONDS = 600;
const DEFAULT_COUNT = 1000;
/** The list of open transactions may be so old, in seconds. */
const STALENESS = 1;
const HISTORY = 30;

export function kindOf(column: SourceColumn): WatermarkKind {
  if (column.type === 'timestamp_tz') return 'instant';
  if (column.type === 'timestamp') return 'wall clock';
  if (column.type === 'date') return 'date';
  return /^(integer|bigint|decimal)/.test(column.type) ? 'number' : 'other';
}

/** What of the first column is read again. Error: `config.invalid` where the look-back does not fit the column. */
function lookbackOf(read: SqlRead, column: SourceColumn): { seconds: number; count: number } {
  const kind = kindOf(column);
  const { lookback } = read;
  const isTime = kind === 'instant' || kind === 'wall clock' || kind === 'date';
  if (lookback === undefined) {
    const count = kind === 'number' && read.watermark!.length === 1 ? DEFAULT_COUNT : 0;
    return { seconds: isTime ? DEFAULT_SECONDS : 0, count };
  }
  if ('seconds' in lookback && isTime) return { seconds: lookback.seconds, count: 0 };
  if ('count' in lookback && (kind === 'number' || lookback.count === 0)) return { seconds: 0, count: lookback.count };
  throw new GranaryError(
    'config.invalid',
    `The lookback does not fit the watermark ${column.name}, a ${column.native}.`,
    {
      hint: 'A duration is for times ("10 min"), a number for sequences (1000).',
    },
  );
}

/** Rows are read whose first column is at least `value`, or above it. `exact`: nothing is read again, so that further columns count. */
export interface LowerBound {
  value: string;
  above: boolean;
  exact: boolean;
}

/** Undefined: there is no mark, all is read. */
export function lowerBound(
  read: SqlRead,
  column: SourceColumn,
  mark: TableMark | undefined,
  horizon: Horizon,
): LowerBound | undefined {
  const [value] = mark?.value ?? [];
  if (mark === undefined || value === undefined) return undefined;
  const { seconds, count } = lookbackOf(read, column);
  const kind = kindOf(column);
  if (kind === 'number') return { value: addDecimals(value, `-${count}`) ?? value, above: false, exact: count === 0 };
  const micros = kind === 'other' ? undefined : parseTime(value);
  if (micros === undefined) return { value, above: false, exact: true };
  // Clocks that were put back show times again that have passed.
  const back = kind === 'instant' ? 0 : Math.max(0, mark.offset - horizon.wallClockOffset);
  if (mark.settled && back === 0) return { value, above: true, exact: false };
  const from = micros - fromSeconds(seconds + back);
  if (kind === 'date') return { value: formatDate(from), above: false, exact: false };
  return { value: formatTime(from), above: false, exact: seconds + back === 0 };
}

/** What was found while a table was read; each was asked for after the one before it. */
export interface Sighting {
  /** For sequences: the highest values that were committed then. */
  before: string[] | null;
  horizon: Horizon;
  /** The highest values in the snapshot that is read. */
  highest: string[] | null;
}

export function nextMark(
  read: SqlRead,
  column: SourceColumn,
  previous: TableMark | undefined,
  { before, horizon, highest }: Sighting,
): TableMark {
  const kind = kindOf(column);
  const common = { seen: higher(kind, previous?.seen ?? null, highest), offset: horizon.wallClockOffset };
  if (highest === null) return { ...common, value: previous?.value ?? null, settled: false, history: [] };
  if (kind === 'number') {
    const found = before === null ? [] : [{ at: horizon.now, value: before }];
    const history = [...(previous?.history ?? []), ...found].slice(-HISTORY);
    return { ...common, value: safeNumber(history, previous, before, horizon), settled: false, history };
  }
  const value = safeTime(kind, highest, horizon);
  return { ...common, value, settled: value === highest && isSettled(read, column, highest[0]!, horizon), history: [] };
}

function isSettled(read: SqlRead, column: SourceColumn, highest: string, horizon: Horizon): boolean {
  const kind = kindOf(column);
  const top = kind === 'other' ? undefined : parseTime(highest);
  if (top === undefined) return false;
  const end = kind === 'date' ? top + fromSeconds(86_400) : top;
  const now = parseTime(horizon.now)! + (kind === 'instant' ? 0n : fromSeconds(horizon.wallClockOffset));
  return end + fromSeconds(lookbackOf(read, column).seconds + STALENESS) < now;
}

/**
 * How far a sequence was certainly read. A server hands out numbers in ascending order: those of a transaction are above all that were committed before it took
 * its first one. Let the snapshot lack a row that is committed later. Its transaction was open when the snapshot was taken, so
 *
 * - it began after the list of open transactions was asked for: its numbers are above `before`, which had been committed by then;
 * - or it is in that list, and began at `oldest` or later: its numbers are above every value of the history whose `at` is not after `oldest`, because that
 *   value had been committed by `at`.
 *
 * With nothing in the list the mark is `before`. Otherwise it is such a value of the history, which had been committed before the list was asked for, too. So the
 * row is above the mark in either case, and is read next time. The highest value of the snapshot would not do: after the list was read a transaction may take a
 * number, and others that take more of them may be committed before the snapshot is taken.
 *
 * What no server tells is left to the look-back: numbers that were taken before their transaction began (blocks that an application or a session
 * keeps for itself, such as CACHE of a sequence), and transactions that are not in the list (`Horizon.unknown`).
 */
function safeNumber(
  history: TableMark['history'],
  previous: TableMark | undefined,
  before: string[] | null,
  { oldest }: Horizon,
): string[] | null {
  if (oldest === undefined) return before ?? previous?.value ?? null;
  const known = history.findLast(({ at }) => parseTime(at)! <= parseTime(oldest)!);
  return known?.value ?? previous?.value ?? null;
}

/** Times of a transaction are not before it began. */
function safeTime(kind: WatermarkKind, highest: string[], horizon: Horizon): string[] {
  const top = kind === 'other' ? undefined : parseTime(highest[0]!);
  if (top === undefined) return highest;
  const now = parseTime(horizon.now)! - fromSeconds(STALENESS);
  const oldest = horizon.oldest === undefined ? now : parseTime(horizon.oldest)!;
  const limit = earlier(oldest, now) + (kind === 'instant' ? 0n : fromSeconds(horizon.wallClockOffset));
  if (top < limit) return highest;
  return [kind === 'date' ? formatDate(limit) : formatTime(limit)];
}

const earlier = (a: bigint, b: bigint): bigint => [a, b].toSorted((x, y) => (x < y ? -1 : 1))[0]!;

/** A value that no row of the snapshot is above: for rows that are told to be gone. Null: nothing is known of such values. */
export function topOf(columns: readonly SourceColumn[], mark: TableMark, horizon: Horizon): string[] | null {
  const kind = kindOf(columns[0]!);
  if (kind === 'number' || kind === 'other') return mark.seen;
  const now = parseTime(horizon.now)! + (kind === 'instant' ? 0n : fromSeconds(horizon.wallClockOffset));
  const top = mark.seen === null ? undefined : parseTime(mark.seen[0]!);
  if (mark.seen !== null && (top === undefined || top >= now)) return mark.seen;
  const rest = mark.seen?.slice(1) ?? [];
  return [kind === 'date' ? formatDate(now) : formatTime(now), ...rest];
}

/** The higher of two values of a watermark. */
export function higher(kind: WatermarkKind, a: string[] | null, b: string[] | null): string[] | null {
  if (a === null || b === null) return a ?? b;
  for (const [i, x] of a.entries()) {
    const y = b[i] ?? '';
    const order = (i === 0 && kind !== 'number' ? compareTimes(x, y) : undefined) ?? compareDecimals(x, y);
    const different = order ?? (x < y ? -1 : x > y ? 1 : 0);
    if (different !== 0) return different < 0 ? b : a;
  }
  return a;
}

function compareTimes(x: string, y: string): number | undefined {
  const [a, b] = [parseTime(x), parseTime(y)];
  return a === undefined || b === undefined ? undefined : a < b ? -1 : a > b ? 1 : 0;
}

/** Reads the rows of one table or query: in one snapshot, or in ranges of a column, each of which is known to be whole before it counts. */
import { join } from 'node:path';
import { GranaryError } from '../../../lib/errors.ts';
import type { RowSink, Snapshot, SourceColumn, SqlDatabase } from './database.ts';
import { addDecimals } from './decimals.ts';
import { inOrder } from './in-order.ts';
import { PartWriter } from './part-writer.ts';
import type { Plan } from './plan.ts';
import { whereOf } from './plan.ts';
import type { Throttle } from './throttle.ts';

export interface Counted {
  rows: number;
  /** By name of the contract. */
  sums: Record<string, string>;
}

export interface TableReading {
  database: SqlDatabase;
  plan: Plan;
  /** For messages. */
  title: string;
  /** All that is read satisfies these. */
  conditions: readonly (string | undefined)[];
  throttle: Throttle;
  scratch: string;
  signal: AbortSignal | undefined;
  /** Rows that were received, of all. */
  received(rows: number): void;
}

/** Values of `column` that are the bounds between parts. */
export interface Division {
  column: SourceColumn;
  cuts: readonly string[];
  /** How many parts were read before. */
  done: number;
  parallel: number;
}

/** All rows, in a snapshot that is open. */
export async function readWhole(
  reading: TableReading,
  snapshot: Snapshot,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<Counted> {
  return readPart(reading, snapshot, [], write, reading.signal);
}

/**
 * Part after part. Where the database lets connections share a snapshot, all see that of `base`; otherwise each part sees one state of its own, later than
 * that of `base`. `after` is called for every part when its bytes were written, in order.
 */
export async function readDivided(
  reading: TableReading,
  base: Snapshot | undefined,
  division: Division,
  write: (bytes: Uint8Array) => Promise<void>,
  after: (counted: Counted, done: number) => Promise<void>,
): Promise<void> {
  const { database, scratch } = reading;
  const count = division.cuts.length + 1;
  const width = Math.max(1, Math.min(division.parallel, count - division.done, database.connections - 1));
  const inSnapshot = async <T>(signal: AbortSignal, use: (snapshot: Snapshot) => Promise<T>): Promise<T> => {
    const snapshot = base ? await base.another(signal) : await database.snapshot(signal);
    try {
      return await use(snapshot);
    } finally {
      await snapshot.close();
    }
  };
  let next = division.done;
  const writers = new Map<number, PartWriter>();
  await inOrder(
    { first: division.done, count, width, signal: reading.signal },
    (index, signal) =>
      inSnapshot(signal, async (snapshot) => {
        const writer = new PartWriter(join(scratch, `part-${index}.csv`), write, () => index === next);
        writers.set(index, writer);
        try {
          const range = rangeOf(database, division, index);
          return await readPart(reading, snapshot, range, (bytes) => writer.write(bytes), signal);
        } finally {
          await writer.close();
        }
      }),
    async (counted, index) => {
      await writers.get(index)!.flush();
      writers.delete(index);
      await after(counted, index + 1);
      next = index + 1;
    },
  );
}

function rangeOf({ dialect }: SqlDatabase, { column, cuts }: Division, index: number): (string | undefined)[] {
  const ref = dialect.ident(column.name);
  const [low, high] = [cuts[index - 1], cuts[index]];
  return [
    low === undefined ? undefined : `${ref} >= ${dialect.value(low, column)}`,
    high === undefined ? undefined : `${ref} < ${dialect.value(high, column)}`,
  ];
}

async function readPart(
  reading: TableReading,
  snapshot: Snapshot,
  range: readonly (string | undefined)[],
  write: (bytes: Uint8Array) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<Counted> {
  const { plan, throttle, database } = reading;
  const where = whereOf([...reading.conditions, ...range]);
  const out: RowSink = {
    signal,
    async write(bytes, rows) {
      await write(bytes);
      reading.received(rows);
      await throttle.spend(rows, signal);
    },
  };
  const rows = await snapshot.copy(`SELECT ${plan.expressions.join(', ')} FROM ${plan.from}${where}`, out);
  if (plan.sums.length === 0) return { rows, sums: {} };
  const { dialect } = database;
  const wanted = plan.sums.map(({ column }) => dialect.sum(dialect.ident(column.name), column));
  const [[counted, ...sums]] = (await snapshot.rows(
    `SELECT ${['count(*)', ...wanted].join(', ')} FROM ${plan.from}${where}`,
  )) as [string[]];
  if (Number(counted) !== rows)
    throw new GranaryError(
      'connector.protocol',
      `${database.endpoint}: ${rows} rows of ${reading.title || 'the query'} came, but the server counts ${counted} in the same snapshot`,
      { transient: true, hint: 'A table without transactions (MyISAM) changes while it is read. It is read again.' },
    );
  return { rows, sums: Object.fromEntries(plan.sums.map(({ name }, i) => [name, sums[i] ?? '0'])) };
}

export function addCounted(a: Counted, b: Counted): Counted {
  const sums = { ...a.sums };
  for (const [name, sum] of Object.entries(b.sums)) {
    const total = addDecimals(sums[name] ?? '0', sum);
    if (total === undefined)
      throw new GranaryError('connector.protocol', `The server gave a sum of ${name} that is no number.`);
    sums[name] = total;
  }
  return { rows: a.rows + b.rows, sums };
}

/** Tables that are read whole, in one state which the log goes on from; those that cannot be read now are left, and the others are not held up. */
import { GranaryError } from '../../../lib/errors.ts';
import type { ExtractRequest, ExtractSink, Position } from '../../../ports/extract.ts';
import type { Snapshot } from '../../lib/sql/database.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { type KnownTrouble, troubleOf } from '../../lib/sql/troubles.ts';
import type { PostgresDatabase } from '../database.ts';
import { type CapturePosition, type CaptureProgress, shortHash, type TableState } from './position.ts';
import { copyTable, seenBy, untilWritten } from './snapshot.ts';
import type { CapturedTable } from './tables.ts';
import { type Beside, toldOf, untold } from './told.ts';
import { isOfOneTable } from './troubles.ts';
import { untilWritersEnd } from './writers.ts';

/** How long writers are waited for while other tables wait to be followed; twice as long with each try. */
const SHORT_WAIT_MS = 10_000;

export interface WholeReading {
  database: PostgresDatabase;
  request: ExtractRequest<SqlRead>;
  sink: ExtractSink;
  /** What is known of tables from before. */
  before: CapturePosition | undefined;
  tables: readonly CapturedTable[];
  /** Of what the reading depends on: one that broke off is of no use with another one. */
  basis: unknown;
  /** `_position` and `_changed_at` so far. */
  rows: number;
  at: number;
  snapshots: Record<string, string>;
  /** Other tables are followed, and wait meanwhile. */
  othersWait: boolean;
}

export interface WhollyRead {
  rows: number;
  tables: Record<string, TableState>;
  snapshots: Record<string, string>;
  troubles: Record<string, KnownTrouble>;
}

/** What was read before a kill is not read again. Error: that of the only table there is. */
export async function readTables(reading: WholeReading): Promise<WhollyRead> {
  const { request, tables } = reading;
  const basis = shortHash(reading.basis);
  const progress = request.progress as unknown as CaptureProgress | undefined;
  if (progress && progress.basis !== basis)
    throw new GranaryError('extract.stale', 'The tables, or the place in the log, are other ones now.', {
      transient: true,
    });
  const done: WhollyRead = {
    rows: progress?.rows ?? reading.rows,
    tables: { ...progress?.tables },
    snapshots: { ...reading.snapshots, ...progress?.snapshots },
    troubles: {},
  };
  let left = tables.filter(({ dataset }) => !done.tables[dataset]);
  if (left.length > 0) left = await settled(reading, left, done);
  if (left.length > 0 && !(await readTogether(reading, basis, left, done)))
    for (const table of left) await readTogether(reading, basis, [table], done);
  return done;
}

/** Tables that nobody writes to from before; the others are in trouble. */
async function settled(
  reading: WholeReading,
  left: readonly CapturedTable[],
  done: WhollyRead,
): Promise<CapturedTable[]> {
  const { database, request, before, othersWait } = reading;
  const { statement_timeout: seconds } = database.config;
  const tries = Math.min(...left.map(({ dataset }) => before?.troubles?.[dataset]?.tries ?? 0));
  const limit = othersWait ? Math.min(seconds * 1000, SHORT_WAIT_MS * 2 ** tries) : seconds * 1000;
  const writers = await untilWritersEnd(database, left, { limit, signal: request.signal, warn: request.warn });
  for (const table of left.filter(({ oid }) => writers.has(oid))) {
    const title = table.name.join('.');
    const error = new GranaryError(
      'connector.unavailable',
      `${database.endpoint}: transactions that have written to ${title} have been open for long, and its rows can only be read when they have ended.`,
      { transient: true, hint: `End them, if nobody needs them: ${writers.get(table.oid)!}.` },
    );
    fail(reading, table, error, done);
  }
  return left.filter(({ oid }) => !writers.has(oid));
}

/** All of them in one snapshot. False: it was not to be had for all of them at once. */
async function readTogether(
  reading: WholeReading,
  basis: string,
  left: readonly CapturedTable[],
  done: WhollyRead,
): Promise<boolean> {
  const { database, request, sink } = reading;
  let snapshot: Snapshot;
  try {
    const held = left.map(({ name }) => name);
    snapshot = await database.snapshotOf(held, request.signal);
  } catch (e) {
    if (!isOfOneTable(e)) throw e;
    if (left.length > 1) return false;
    fail(reading, left[0]!, e, done);
    return true;
  }
  try {
    const seen = await seenBy(snapshot);
    await untilWritten(database, seen.until);
    done.snapshots[seen.until] = seen.visible;
    for (const table of left) {
      try {
        await readOne(reading, snapshot, seen, table, done);
      } catch (e) {
        if (!isOfOneTable(e)) throw e;
        await sink.discard(table.dataset);
        fail(reading, table, e, done);
        // The transaction of the snapshot is at its end, too: the next extraction reads the tables that are left.
        return true;
      }
      const { rows, tables, snapshots } = done;
      await sink.checkpoint({ basis, rows, tables, snapshots } satisfies CaptureProgress as unknown as Position);
    }
    return true;
  } finally {
    await snapshot.close();
  }
}

async function readOne(
  { database, request, sink, before, at }: WholeReading,
  snapshot: Snapshot,
  seen: Awaited<ReturnType<typeof seenBy>>,
  table: CapturedTable,
  done: WhollyRead,
): Promise<void> {
  const known = before?.tables[table.dataset];
  const floor = Math.max(seen.at, known?.floor ?? 0);
  const position = done.rows + 1;
  const copying = { database, snapshot, request, sink, position, moment: Math.max(floor, at) };
  const beside = await copyTable({ ...copying, mayLack: known !== undefined }, table);
  const { oid, member, contract, form } = table;
  done.rows = position;
  done.tables[table.dataset] = { oid, member, contract, form, snapshot: seen.until, floor, told: toldOf(beside) };
  warnOfLost(request, table, beside, known?.told ?? '');
}

function warnOfLost(
  { warn }: ExtractRequest<SqlRead>,
  { dataset, name }: CapturedTable,
  beside: Beside,
  told: string,
): void {
  for (const column of untold(beside, told).lost)
    warn(`${name.join('.')} has no column "${column}" any more, which is in the contract of ${dataset}: it is NULL.`);
}

function fail(
  { request, before }: WholeReading,
  { dataset, contract }: CapturedTable,
  error: GranaryError,
  done: WhollyRead,
): void {
  if (!before && request.datasets.length === 1) throw error;
  const tries = (before?.troubles?.[dataset]?.tries ?? 0) + 1;
  done.troubles[dataset] = troubleOf(error, { contract, at: request.now(), tries });
}

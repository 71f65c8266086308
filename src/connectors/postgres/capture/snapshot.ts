/** All rows of tables that are captured, in one state, and which transactions that state has seen. */
import { GranaryError } from '../../../lib/errors.ts';
import { nearest } from '../../../lib/nearest.ts';
import type { ExtractRequest, ExtractSink } from '../../../ports/extract.ts';
import type { Snapshot, SourceColumn } from '../../lib/sql/database.ts';
import { CHANGED_AT, DELETED_COLUMN, landedLine, OPERATION, POSITION } from '../../lib/sql/landed.ts';
import type { Plan } from '../../lib/sql/plan.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { addCounted, type Counted, readDivided, readWhole, type TableReading } from '../../lib/sql/read-table.ts';
import { Throttle } from '../../lib/sql/throttle.ts';
import { formatTime } from '../../lib/sql/times.ts';
import type { PostgresDatabase } from '../database.ts';
import { INSERT_LSN, NOW_LSN } from './server.ts';
import { type CapturedTable, columnNamed } from './tables.ts';

const MOST_CUTS = 1000;

export interface Seen {
  /** As `visibleIn` takes it. */
  visible: string;
  /** Whatever it has seen was committed before this place of the log. */
  until: string;
  /** Microseconds since 1970, by the server's clock. */
  at: number;
}

/** What a snapshot sees, which is open. */
export async function seenBy(snapshot: Snapshot): Promise<Seen> {
  const [[visible] = []] = await snapshot.rows('SELECT pg_catalog.pg_current_snapshot()');
  const [[until, at] = []] = await snapshot.rows(
    `SELECT ${INSERT_LSN}, (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint`,
  );
  return { visible: visible!, until: until!, at: Number(at) };
}

/** Of commits that are not waited for (`synchronous_commit = off`), the server writes the log some 0.6 s later. */
const WRITTEN_MS = 2000;
const LOOK_MS = 50;

/**
 * Waits until the log is on disk up to a place: what a snapshot sees of it would else be gone when the server is killed, and nothing would tell. The place may
 * be a little ahead of what is ever written while nobody writes: then it does not wait for long.
 */
export async function untilWritten(database: PostgresDatabase, place: string): Promise<void> {
  for (const end = Date.now() + WRITTEN_MS; Date.now() < end; await new Promise((r) => setTimeout(r, LOOK_MS))) {
    const [[isWritten] = []] = await database.query(
      'asking how far the log is',
      `SELECT pg_catalog.pg_wal_lsn_diff(${NOW_LSN}, '${place}') >= 0`,
    );
    if (isWritten === 't') return;
  }
}

export interface Copying {
  database: PostgresDatabase;
  snapshot: Snapshot;
  request: ExtractRequest<SqlRead>;
  sink: ExtractSink;
  /** Of all rows. */
  moment: number;
  position: number;
  /** Told of columns of the contract that the table has not got; otherwise they are an error. */
  mayLack: boolean;
}

/** A complete object of all rows. Returns the columns of the contract that the table has not got, and those that it has beside them. */
export async function copyTable(copying: Copying, table: CapturedTable): Promise<{ lost: string[]; unread: string[] }> {
  const { database, snapshot, request, sink } = copying;
  const dataset = request.datasets.find((d) => d.name === table.dataset)!;
  const facts = await database.facts(table.name);
  const { dialect } = database;
  const names = facts.columns.map((c) => c.name);
  const find = (name: string): SourceColumn | undefined =>
    facts.columns.find((c) => c.name === columnNamed(names, name));
  const lost = table.columns.filter((c) => !find(c.from)).map((c) => c.from);
  // It names the nearest column.
  if (lost.length > 0 && !copying.mayLack) throw missing(table, lost[0]!, names);
  const own: Record<string, string> = {
    [OPERATION]: dialect.text('read'),
    [DELETED_COLUMN]: dialect.text('false'),
    [CHANGED_AT]: dialect.text(formatTime(BigInt(copying.moment))),
    [POSITION]: String(copying.position),
  };
  const landed = new Map(table.columns.map(({ from, type }) => [from, { column: find(from), type }]));
  const expressions = table.header.map((name) => {
    const known = landed.get(name);
    if (!known) return own[name]!;
    return known.column ? dialect.copied(dialect.ident(known.column.name), known.column, known.type) : 'NULL';
  });
  const key = table.key.map(find).filter((c) => c !== undefined);
  const plan: Plan = {
    facts,
    header: table.header,
    expressions,
    key,
    watermark: [],
    sums: [],
    from: dialect.ident(...table.name),
  };
  let rows = 0;
  const reading: TableReading = {
    database,
    plan,
    title: table.name.join('.'),
    conditions: [],
    throttle: new Throttle(dataset.read.throttle.rows_per_second),
    scratch: request.scratch,
    signal: request.signal,
    received: (count) => {
      rows += count;
      request.progressed(rows, Math.max(facts.rows ?? 0, rows), 'rows');
    },
  };
  const write = (bytes: Uint8Array) => sink.write(table.dataset, bytes);
  await sink.cut(table.dataset);
  await sink.open(table.dataset, { complete: true });
  await write(landedLine(table.header));
  let counted: Counted = { rows: 0, sums: {} };
  const size = dataset.read.chunks.rows;
  const [first] = key;
  const isLarge = first && facts.indexed.has(first.name) && (facts.rows ?? 0) > size;
  const cuts = isLarge
    ? await database.cuts({ table: table.name, column: first, from: undefined, rows: size, limit: MOST_CUTS })
    : [];
  if (cuts.length === 0) counted = await readWhole(reading, snapshot, write);
  else {
    const division = { column: first!, cuts, done: 0, parallel: dataset.read.chunks.parallel };
    await readDivided(reading, snapshot, division, write, async (part) => {
      counted = addCounted(counted, part);
    });
  }
  await sink.cut(table.dataset, { rows: counted.rows });
  const read = new Set(table.columns.map((c) => find(c.from)?.name));
  return { lost, unread: names.filter((name) => !read.has(name)) };
}

function missing({ name }: CapturedTable, column: string, columns: string[]): GranaryError {
  const guess = nearest(column, columns);
  return new GranaryError('connector.not_found', `${name.join('.')} has no column "${column}"`, {
    hint: guess ? `Is "${guess}" meant?` : `It has ${columns.join(', ')}.`,
  });
}

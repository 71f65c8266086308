/** One extraction: which tables have to be read as a whole, from where the log is read, and what is remembered. */
import { randomInt } from 'node:crypto';
import type { ExtractDataset, Extracted, ExtractRequest, ExtractSink, Position } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { told } from '../../lib/sql/troubles.ts';
import { dump, type From, register } from '../binlog/dump.ts';
import type { MysqlDatabase } from '../database.ts';
import { numberOf, queryFault } from '../faults.ts';
import type { RawConnection } from '../row-stream.ts';
import { privileged } from './asking.ts';
import type { MysqlCapture } from './capture.ts';
import { copyTables, isOfOneTable, putAside } from './copying.ts';
import { flavourOf } from './flavour.ts';
import { heed } from './heed.ts';
import type { FollowedTable } from './incidents.ts';
import { LogReader, OtherLogError, type Start, type Until } from './log-reader.ts';
import { Output } from './output.ts';
import { type CapturePosition, comparePlaces, contractOf, isDue, positionOf, type TableState } from './position.ts';
import { repairsAfter } from './repairs.ts';
import { type ServerState, serverState } from './server.ts';
import type { PlacedSnapshot } from './snapshot.ts';
import { followed } from './tables.ts';

/** An extraction ends after so much, and another one goes on. */
const MOST_BYTES = 64 << 20;
const MOST_ROWS = 500_000;
/** Milliseconds; a server sends at least what it sends to be heard of. */
const MOST_SILENCE = 120_000;
/** The server has not got the place in its log. */
const NO_PLACE = 1236;

/** What a run adds to the tables' state. */
type States = Record<string, TableState>;

export class CaptureRun {
  readonly #database: MysqlDatabase;
  readonly #capture: MysqlCapture;
  readonly #request: ExtractRequest<SqlRead>;
  readonly #sink: ExtractSink;
  readonly #given: CapturePosition | undefined;
  readonly #states: States = {};
  #repairs: number[] | undefined;

  constructor(database: MysqlDatabase, capture: MysqlCapture, request: ExtractRequest<SqlRead>, sink: ExtractSink) {
    this.#database = database;
    this.#capture = capture;
    this.#request = request;
    this.#sink = sink;
    this.#given = request.full ? undefined : positionOf(request.position);
    for (const dataset of request.datasets) {
      const known = this.#given?.tables[dataset.name];
      const contract = contractOf(dataset);
      if (known?.contract === contract) this.#states[dataset.name] = { ...known };
      else if (known && positionOf(request.position))
        this.#states[dataset.name] = { ...known, contract, stale: 'its contract changed', trouble: null };
    }
  }

  async run(): Promise<Extracted> {
    const server = await serverState(this.#database);
    const session = await this.#database.openAlone();
    const id = randomInt(0x4000_0000, 0x7fff_ffff);
    try {
      await privileged(this.#database, flavourOf(this.#database), () =>
        this.#guarded(() => register(session.connection, id, this.#silence())),
      );
      return await this.#read(server, session.connection, id);
    } finally {
      session.connection.destroy();
    }
  }

  async #read(server: ServerState, connection: RawConnection, id: number): Promise<Extracted> {
    const wanted = this.#wanted();
    for (const { name } of wanted) {
      const state = this.#states[name];
      if (state?.cascaded)
        state.stale ??= `rows of ${state.cascaded.table} were changed, and foreign keys change rows here without a word in the log`;
    }
    if (wanted.length > 0) return this.#withSnapshot(server, wanted, connection, id);
    const reader = await this.#follow(this.#start(), { until: undefined, to: server }, connection, id);
    if (reader === undefined) return this.#lost(server, connection, id);
    const isBehind = comparePlaces(reader, server) < 0 && reader.transactions > 0;
    return this.#end(server, atEnd(reader, server), isBehind, isBehind ? this.#given!.seenAt : server.now);
  }

  /** Datasets whose tables have to be read as a whole now. */
  #wanted(): ExtractDataset<SqlRead>[] {
    if (!this.#given) return [...this.#request.datasets];
    const now = this.#request.now();
    return this.#request.datasets.filter(({ name }) => {
      const state = this.#states[name];
      return !state || isDue(state, now);
    });
  }

  #start(): Start {
    const { file, pos, created, gtid, rows, at } = this.#given!;
    return { file, pos, created, gtid: flavourOf(this.#database).gtids(gtid), rows, at };
  }

  /** The log was purged, or the server is another one that has not got it. */
  async #lost(server: ServerState, connection: RawConnection, id: number): Promise<Extracted> {
    return this.#withSnapshot(server, this.#stale('the log was lost'), connection, id);
  }

  /** All are to be read anew; returns those that can be, as far as is known. */
  #stale(why: string): ExtractDataset<SqlRead>[] {
    for (const state of Object.values(this.#states)) state.stale = why;
    return this.#wanted();
  }

  /** All of some tables in a snapshot, and the log of the others up to its place. */
  async #withSnapshot(
    server: ServerState,
    wanted: ExtractDataset<SqlRead>[],
    connection: RawConnection,
    id: number,
  ): Promise<Extracted> {
    const snapshot = await flavourOf(this.#database).snapshot(this.#database, this.#request.signal);
    try {
      let datasets = wanted;
      let reader: LogReader | undefined;
      const others = this.#request.datasets.filter((d) => !wanted.includes(d));
      if (this.#given && others.length > 0) {
        const until = { place: snapshot.isExact ? snapshot.place : undefined, gtids: snapshot.gtids };
        reader = await this.#follow(this.#start(), { until, to: server }, connection, id, wanted);
        if (!reader) datasets = this.#stale('the log was lost');
      }
      const start: Start & { byGtid: boolean } = {
        ...placeOf(snapshot, reader),
        rows: (reader?.rows ?? this.#given?.rows ?? positionOf(this.#request.position)?.rows ?? 0) + 1,
        at: Math.max(snapshot.at, reader?.at ?? positionOf(this.#request.position)?.at ?? 0),
      };
      const copying = { database: this.#database, capture: this.#capture, request: this.#request, sink: this.#sink };
      await copyTables(
        { ...copying, snapshot, start, states: this.#states, goesOn: this.#given !== undefined },
        datasets,
      );
      return await this.#end(
        server,
        { ...start, incidents: reader?.incidents, prepared: reader?.prepared },
        true,
        snapshot.at,
      );
    } finally {
      await snapshot.snapshot.close();
    }
  }

  /** Undefined: the server has not got the log from there. */
  async #follow(
    start: Start,
    limit: { until: Until | undefined; to: ServerState },
    connection: RawConnection,
    id: number,
    without: readonly ExtractDataset<SqlRead>[] = [],
  ): Promise<LogReader | undefined> {
    const isSame = limit.to.id === this.#given!.server;
    const byGtid = !isSame || this.#given!.byGtid || start.pos >= 2 ** 32;
    const read = async (on: RawConnection, isByGtid: boolean): Promise<LogReader> => {
      const output = new Output(this.#sink, this.#request.scratch);
      const reader = new LogReader({
        isMariaDb: this.#database.isMariaDb,
        output,
        tables: await this.#tables(output, without),
        start,
        limit: { until: limit.until, bytes: MOST_BYTES, rows: MOST_ROWS },
        byGtid: isByGtid,
        prepared: this.#given!.prepared,
      });
      if (limit.until && !isByGtid && reader.isAt(limit.until)) return reader;
      const from: From = isByGtid ? { gtids: start.gtid } : { file: start.file, pos: start.pos };
      await dump(on, { serverId: id, from, silence: this.#silence(), signal: this.#request.signal }, reader);
      await output.end();
      return reader;
    };
    try {
      return await read(connection, byGtid).catch(async (e) => {
        if (!(e instanceof OtherLogError)) throw e;
        const session = await this.#database.openAlone();
        return read(session.connection, true).finally(() => session.connection.destroy());
      });
    } catch (e) {
      if (numberOf(e) !== NO_PLACE) throw queryFault(this.#database.endpoint, 'reading the binary log', e);
      this.#repairs = repairsAfter(this.#database.endpoint, this.#given!.repairs, this.#request.now(), e as Error);
      this.#request.warn(
        `${this.#database.endpoint} has not got its log from where it was read last: ${(e as Error).message}. All captured tables are read anew.`,
      );
      return undefined;
    }
  }

  #silence(): number {
    return Math.min(this.#database.settings.silence * 1000, MOST_SILENCE);
  }

  async #tables(output: Output, without: readonly ExtractDataset<SqlRead>[]): Promise<FollowedTable[]> {
    const charsets = await this.#capture.charsets();
    const tables: FollowedTable[] = [];
    for (const dataset of this.#request.datasets) {
      const { name } = dataset;
      const state = this.#states[name];
      if (!state || state.stale !== null || without.includes(dataset)) continue;
      try {
        const table = await this.#capture.table(dataset, state.shape);
        output.add(name, table.header);
        tables.push(followed(table, this.#database.settings.zero_dates, (collation) => charsets.of(collation)));
      } catch (e) {
        if (!isOfOneTable(e)) throw e;
        this.#states[name] = putAside(state, dataset, e, this.#request);
      }
    }
    return tables;
  }

  async #guarded<T>(use: () => Promise<T>): Promise<T> {
    try {
      return await use();
    } catch (e) {
      throw queryFault(this.#database.endpoint, 'registering for the binary log', e);
    }
  }

  async #end(server: ServerState, reached: Reached, more: boolean, seenAt: number): Promise<Extracted> {
    const isStale = await heed(this.#capture, this.#request, this.#states, reached.incidents);
    const { file, pos, created, gtid, rows, at } = reached;
    const position: CapturePosition = {
      server: server.id,
      file,
      pos,
      byGtid: reached.byGtid ?? false,
      created,
      gtid: gtid.text,
      rows,
      at,
      seenAt,
      tables: this.#states,
      prepared: Object.fromEntries(reached.prepared ?? []),
      repairs: this.#repairs ?? this.#given?.repairs ?? [],
    };
    const troubles = Object.entries(this.#states).flatMap(([name, { trouble }]) => (trouble ? [[name, trouble]] : []));
    return {
      position: position as unknown as Position,
      more: more || isStale,
      troubles: told(Object.fromEntries(troubles)),
    };
  }
}

type Reached = Start & Partial<Pick<LogReader, 'incidents' | 'prepared' | 'byGtid'>>;

/** Read to its end by transactions, the log had none: so the place where it ended before goes on. */
function atEnd(reader: LogReader, { file, pos }: ServerState): Reached {
  if (!reader.byGtid || reader.transactions > 0) return reader;
  const { gtid, rows, at, incidents, prepared } = reader;
  return { gtid, rows, at, incidents, prepared, file, pos, created: 0, byGtid: false };
}

/** Where the log goes on after the snapshot. Where that is not exact, tables that were read up to its transactions know it, or the list of these does. */
function placeOf(
  { place, isExact, gtids }: PlacedSnapshot,
  reader: LogReader | undefined,
): Pick<Start, 'file' | 'pos' | 'created' | 'gtid'> & { byGtid: boolean } {
  if (!isExact && reader && !reader.byGtid) {
    const { file, pos, created, gtid } = reader;
    return { file, pos, created, gtid, byGtid: false };
  }
  return { ...place, created: reader?.file === place.file ? reader.created : 0, gtid: gtids, byGtid: !isExact };
}

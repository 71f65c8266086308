/** Follows the log, transaction by transaction: rows of captured tables become lines, and what else happens to those tables is noted. */
import { GranaryError } from '../../../lib/errors.ts';
import { isOfTable } from '../../lib/sql/troubles.ts';
import type { EventSink } from '../binlog/dump.ts';
import {
  type BinlogEvent,
  EVENT,
  type GtidEvent,
  isOnePhase,
  isUnknown,
  readGtid,
  readMysqlGtid,
  readQuery,
  readRotate,
  readXid,
} from '../binlog/events.ts';
import { type Gtids, taggedError } from '../binlog/gtids.ts';
import { eventsOf } from '../binlog/payload.ts';
import { isRowsEvent, readRowsEvent } from '../binlog/rows.ts';
import { understand } from '../binlog/statements.ts';
import type { TableMap } from '../binlog/table-map.ts';
import { instantText } from '../binlog/temporal.ts';
import { type FollowedTable, Incidents } from './incidents.ts';
import { Landing, type Moment } from './landing.ts';
import type { Output } from './output.ts';
import { comparePlaces, type Place } from './position.ts';
import { type Mapped, TableMaps } from './table-maps.ts';

export interface Start extends Place {
  created: number;
  gtid: Gtids;
  rows: number;
  at: number;
}

export interface LogReaderOptions {
  isMariaDb: boolean;
  output: Output;
  tables: readonly FollowedTable[];
  start: Start;
  /** Reading ends with the transaction that reaches one of these. */
  limit: { until: Until | undefined; bytes: number; rows: number };
  /** Reading begins after the transactions of `start.gtid`, wherever that is. */
  byGtid: boolean;
  prepared: Record<string, string[]>;
}

/** All of these transactions; with their place where that is known. */
export interface Until {
  place: Place | undefined;
  gtids: Gtids;
}

/** The file is not the one that was read before, although it has its name. */
export class OtherLogError extends Error {}

export class LogReader implements EventSink {
  /** After the last transaction that was read. */
  file: string;
  pos: number;
  created: number;
  readonly gtid: Gtids;
  rows: number;
  at: number;
  transactions = 0;
  /** `pos` is not known. */
  byGtid: boolean;
  readonly incidents: Incidents;
  readonly #options: LogReaderOptions;
  readonly #byName = new Map<string, FollowedTable[]>();
  readonly #maps: TableMaps;
  readonly #firstRows: number;
  #group: (GtidEvent & { at: number; serverId: number }) | undefined;
  #moment: Moment = { at: new Uint8Array() };
  #counter: number;
  /** Tables of distributed transactions that are prepared, by their name. */
  readonly prepared: Map<string, string[]>;

  constructor(options: LogReaderOptions) {
    const { start } = options;
    this.byGtid = options.byGtid;
    this.incidents = new Incidents(options.tables, options.output);
    this.#maps = new TableMaps(options.isMariaDb, this.incidents.cascades);
    this.#options = options;
    this.file = start.file;
    this.pos = start.pos;
    this.created = start.created;
    this.gtid = start.gtid;
    this.rows = start.rows;
    this.at = start.at;
    this.#counter = start.rows;
    this.#firstRows = start.rows;
    this.prepared = new Map(Object.entries(options.prepared));
    for (const table of options.tables) {
      const name = `${table.database}.${table.table}`;
      this.#byName.set(name, [...(this.#byName.get(name) ?? []), table]);
    }
  }

  waits(): Promise<void> | undefined {
    return this.#options.output.waits();
  }

  event(event: BinlogEvent): boolean {
    switch (event.type) {
      case EVENT.tableMap:
        this.#maps.take(event);
        return false;
      case EVENT.xid:
        return this.#commit(event);
      case EVENT.gtid:
        this.#begin(event, readGtid(event));
        return false;
      case EVENT.mysqlGtid:
        this.#begin(event, readMysqlGtid(event));
        return false;
      case EVENT.anonymousGtid:
        throw new GranaryError('connector.unsupported', 'The binary log has a transaction without a GTID.', {
          hint: 'Set gtid_mode = ON, and begin anew: granary run --full.',
        });
      case EVENT.taggedGtid:
        throw taggedError('in the log');
      case EVENT.payload: {
        let isEnough = false;
        for (const inner of eventsOf(event)) isEnough = this.event(inner) || isEnough;
        return isEnough;
      }
      case EVENT.query:
      case EVENT.compressedQuery:
        return this.#query(event);
      case EVENT.rotate:
        Object.assign(this, readRotate(event));
        return false;
      case EVENT.formatDescription:
        this.#newFile(event);
        return false;
      case EVENT.xaPrepare:
        return isOnePhase(event) ? this.#commit(event) : this.#prepare(event);
      case EVENT.executeLoad:
      case EVENT.loadBlock:
        this.incidents.everything('a LOAD DATA statement was logged as a statement, not as rows');
        return false;
      case EVENT.incident:
        this.incidents.everything('the server says that events are missing from its log');
        return false;
    }
    if (isRowsEvent(event.type)) this.#rows(event);
    else if (isUnknown(event))
      throw new GranaryError(
        'connector.unsupported',
        `The binary log has events of a kind that is not known (${event.type}): they may tell changes of rows.`,
        { hint: 'The server may be newer than this version of Granary knows.' },
      );
    return false;
  }

  /** The server was killed in the middle of a transaction: it is not in its tables either. */
  #newFile(event: BinlogEvent): void {
    const { start, byGtid } = this.#options;
    const isFirst = this.transactions === 0 && this.file === start.file && !byGtid;
    if (isFirst && start.created !== 0 && start.created !== event.timestamp) throw new OtherLogError();
    this.#abandon();
    this.#maps.clear();
    this.created = event.timestamp;
  }

  #abandon(): void {
    this.#options.output.rollback();
    this.incidents.cascades.rollback();
    this.#counter = this.rows;
    this.#group = undefined;
  }

  #begin(event: BinlogEvent, gtid: GtidEvent): void {
    this.#abandon();
    const at = Math.max(this.at, event.timestamp);
    this.#group = { ...gtid, at, serverId: event.serverId };
    if (at !== this.at || this.#moment.at.length === 0) this.#moment = { at: Buffer.from(instantText(at)) };
  }

  #rows(event: BinlogEvent): void {
    const mapped = this.#maps.of(event);
    if (!mapped)
      throw new GranaryError('connector.protocol', 'The binary log has rows of a table that it did not describe.', {
        transient: true,
      });
    const { map, watched } = mapped;
    if (watched) this.incidents.cascades.rows(watched, event, readRowsEvent(event));
    const tables = this.#byName.get(`${map.database}.${map.table}`);
    if (!tables) return;
    for (const table of tables) {
      const lines = this.#options.output.lines(table.dataset);
      const { n } = lines;
      try {
        this.#land(table, mapped, event);
      } catch (e) {
        if (!(e instanceof GranaryError) || !isOfTable(e)) throw e;
        // A line may have been begun.
        lines.n = n;
        this.incidents.fail(table.dataset, e);
      }
    }
  }

  #land(table: FollowedTable, mapped: Mapped, event: BinlogEvent): void {
    const { dataset } = table;
    const { map } = mapped;
    if (this.incidents.isStale(dataset)) return;
    const rows = readRowsEvent(event);
    const setting = map.isNamed ? (rows.isFull ? undefined : 'binlog_row_image') : 'binlog_row_metadata';
    if (setting !== undefined) {
      this.incidents.stale(dataset, `a session has logged rows without ${setting} = FULL`);
      return;
    }
    let landing = mapped.landings.get(table);
    if (!landing) {
      if (!hasKey(map, table)) {
        this.incidents.stale(dataset, `the table had not all columns of the key at that time`);
        return;
      }
      landing = new Landing(map, table.landing);
      mapped.landings.set(table, landing);
    }
    this.#counter = landing.write(rows, this.#options.output.lines(dataset), this.#moment, this.#counter);
  }

  #query(event: BinlogEvent): boolean {
    const { database, text } = readQuery(event);
    const statement = understand(database, text);
    switch (statement.kind) {
      case 'begin':
        if (this.#group) this.#group.standalone = false;
        return false;
      case 'commit':
        return this.#commit(event);
      case 'rollback':
        this.#undone();
        return this.#commit(event);
      case 'rollback to':
        this.#undone();
        return false;
      case 'xa commit':
      case 'xa rollback':
        this.#decide(statement.xid, statement.kind === 'xa commit');
        return this.#commit(event);
    }
    this.incidents.note(statement, database, text);
    // What was described before may be described anew under the same number.
    if (statement.kind !== 'nothing') this.#maps.clear();
    // A statement outside of a transaction is one of its own.
    return this.#group === undefined || this.#group.standalone ? this.#commit(event) : false;
  }

  /** Parts of a transaction were undone, and tables without transactions kept theirs: which, is not told. */
  #undone(): void {
    for (const dataset of this.#options.output.touched())
      this.incidents.stale(dataset, 'a transaction was undone that had changed tables without transactions as well');
    this.#options.output.rollback();
  }

  #prepare(event: BinlogEvent): boolean {
    const touched = [...new Set([...this.#options.output.touched(), ...this.incidents.cascades.current])];
    this.#options.output.rollback();
    this.incidents.cascades.rollback();
    this.#counter = this.rows;
    if (touched.length > 0) this.prepared.set(readXid(event), touched);
    return this.#commit(event);
  }

  #decide(xid: string, isCommitted: boolean): void {
    const touched = this.prepared.get(xid) ?? [];
    this.prepared.delete(xid);
    if (isCommitted)
      for (const dataset of touched) this.incidents.stale(dataset, 'a distributed transaction (XA) was committed');
  }

  isAt({ place, gtids }: Until): boolean {
    return place ? comparePlaces(this, place) >= 0 : this.gtid.includes(gtids);
  }

  /** Whether that was enough. */
  #commit(event: BinlogEvent): boolean {
    const { output, limit } = this.#options;
    output.commit();
    this.incidents.cascades.commit();
    this.rows = this.#counter;
    this.transactions++;
    this.byGtid = false;
    this.pos = event.next < this.pos % 2 ** 32 ? event.next + 2 ** 32 : event.next;
    const group = this.#group;
    this.#group = undefined;
    if (group) {
      this.gtid.add(group, group.serverId);
      this.at = group.at;
    }
    if (limit.until) return this.isAt(limit.until);
    return output.bytes >= limit.bytes || this.rows - this.#firstRows >= limit.rows;
  }
}

function hasKey({ columns }: TableMap, { landing: { key } }: FollowedTable): boolean {
  const names = new Set(columns.map((c) => c.name.toLowerCase()));
  return key.every((name) => names.has(name.toLowerCase()));
}

/** Takes the stream of changes apart, and writes what belongs to captured tables into objects of their datasets. */
import type { GranaryError } from '../../../lib/errors.ts';
import type { ExtractSink, Totals } from '../../../ports/extract.ts';
import type { LineBuffer } from '../../lib/sql/line-buffer.ts';
import { formatTime } from '../../lib/sql/times.ts';
import {
  BEGIN,
  COMMIT,
  DELETE,
  INSERT,
  RELATION,
  type Relation,
  RowMessage,
  readBegin,
  readCommitEnd,
  readOid,
  readRelation,
  readTruncated,
  TRUNCATE,
  UPDATE,
} from '../replication/messages.ts';
import type { StreamHandler } from '../replication/stream-query.ts';
import type { Incomplete } from './landing.ts';
import type { TableState } from './position.ts';
import type { CapturedTable } from './tables.ts';
import { Target } from './target.ts';
import type { TypeCatalog } from './types.ts';

/** Lines are handed on when there are so many bytes of them. */
const FLUSH_BYTES = 1 << 19;
/** Of incomplete rows; then they are looked up. */
const INCOMPLETE_BYTES = 16 << 20;
/** What an incomplete row takes beside its bytes. */
const INCOMPLETE_OVERHEAD = 200;
/**
 * Where an extraction ends at the next commit, so that what was read is known to be kept. Not sooner: for the next one, the server decodes again what it has
 * decoded since its last note of running transactions, up to 15 s of its log.
 */
const MOST_BYTES = 512e6;
const MOST_ROWS = 2_000_000;
/** How often an extraction is made longer for rows that were looked up: while large rows are changed all the time, there are always some. */
const MOST_ROUNDS = 5;

export interface ReaderOptions {
  sink: ExtractSink;
  types: TypeCatalog;
  tables: readonly { table: CapturedTable; state: TableState; visible: string | undefined }[];
  /** Where reading begins. */
  start: bigint;
  /** Everything before here is wanted. */
  target: bigint;
  /** `_position` and `_changed_at` so far. */
  rows: number;
  at: number;
  /** Tables as the stream has described them so far, by their oid. */
  relations: Map<number, Relation>;
  warn(message: string): void;
  progressed(rows: number): void;
  /** Whether the server has nothing more to send, though it is not at the target: a record that is not finished. */
  isAtEnd(): Promise<boolean>;
  /** Writes rows whose values were not all in the log, and tells up to where the log has to be read for them. */
  complete(rows: readonly Incomplete[], out: LineBuffer): Promise<{ written: number; until: bigint }>;
}

export class ChangeReader implements StreamHandler {
  done = false;
  /** There is more before the target. */
  more = false;
  /** Everything before here was read. */
  lsn: bigint;
  rows: number;
  at: number;
  #target: bigint;
  readonly #options: ReaderOptions;
  readonly #targets: readonly Target[];
  readonly #byOid: ReadonlyMap<number, readonly Target[]>;
  readonly #row = new RowMessage();
  /** Within a transaction. */
  #isOpen = false;
  #relation: Relation | undefined;
  #truncated: number[] | undefined;
  #lastOid = -1;
  #last: readonly Target[] | undefined;
  #bytes = 0;
  #incompleteBytes = 0;
  #stillAt = -1n;
  #isStill = false;
  #rounds = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.lsn = options.start;
    this.rows = options.rows;
    this.at = options.at;
    this.#target = options.target;
    this.#targets = options.tables.map(({ table, state, visible }) => new Target(table, state, visible, options.sink));
    this.#byOid = Map.groupBy(this.#targets, (t) => t.table.oid);
  }

  /** Before the first message of a stream that was read from before: it describes a table only once, until that changes. */
  async recall(): Promise<void> {
    for (const relation of this.#options.relations.values())
      for (const target of this.#byOid.get(relation.oid) ?? []) await target.recall(relation, this.#options.types);
  }

  message(buffer: Buffer, start: number, end: number): boolean {
    switch (buffer[start]) {
      case INSERT:
      case UPDATE:
      case DELETE:
        this.#change(buffer, start, end);
        return this.#incompleteBytes > INCOMPLETE_BYTES;
      case BEGIN:
        this.#begin(buffer, start);
        return false;
      case COMMIT:
        this.#commit(readCommitEnd(buffer, start));
        return false;
      case RELATION:
        this.#relation = readRelation(buffer, start);
        return true;
      case TRUNCATE:
        this.#truncated = readTruncated(buffer, start);
        return true;
      default:
        return false;
    }
  }

  #begin(buffer: Buffer, start: number): void {
    const begin = readBegin(buffer, start);
    this.#isOpen = true;
    this.at = Math.max(this.at, begin.at);
    const moment = formatTime(BigInt(this.at));
    for (const target of this.#targets) target.begin(begin, this.at, moment);
  }

  #commit(end: bigint): void {
    this.#isOpen = false;
    this.lsn = end;
    if (end >= this.#target) this.done = true;
    else if (this.#bytes >= MOST_BYTES || this.rows - this.#options.rows >= MOST_ROWS) {
      this.done = true;
      this.more = true;
    }
  }

  #change(buffer: Buffer, start: number, end: number): void {
    const oid = readOid(buffer, start);
    if (oid !== this.#lastOid) {
      this.#lastOid = oid;
      this.#last = this.#byOid.get(oid);
    }
    const targets = this.#last;
    if (!targets) return;
    this.#row.read(buffer, start);
    for (const target of targets) {
      const { n: size } = target.lines;
      const waiting = target.incomplete.length;
      this.rows = target.write(this.#row, buffer, start, end, this.rows);
      this.#bytes += target.lines.n - size;
      if (target.incomplete.length > waiting) this.#incompleteBytes += end - start + INCOMPLETE_OVERHEAD;
    }
  }

  reached(lsn: bigint, asked: boolean): void {
    if (this.#isOpen) return;
    if (lsn > this.lsn) this.lsn = lsn;
    if (this.lsn >= this.#target) this.done = true;
    // Twice at the same place, with nothing between: it has nothing, or is busy with a large transaction.
    this.#isStill = asked && lsn === this.#stillAt;
    this.#stillAt = lsn;
  }

  async settle(): Promise<void> {
    const { types, warn, progressed } = this.#options;
    const relation = this.#relation;
    this.#relation = undefined;
    if (relation) this.#options.relations.set(relation.oid, relation);
    if (relation) for (const target of this.#byOid.get(relation.oid) ?? []) await target.relate(relation, types, warn);
    const truncated = this.#truncated ?? [];
    this.#truncated = undefined;
    for (const target of truncated.flatMap((oid) => this.#byOid.get(oid) ?? [])) await target.empty();
    if (this.#incompleteBytes > INCOMPLETE_BYTES) await this.#complete();
    const full = this.#targets.filter((t) => t.lines.n >= FLUSH_BYTES);
    for (const target of full) await target.flush();
    if (full.length > 0) progressed(this.rows - this.#options.rows);
    const isStill = this.#isStill && !this.done;
    this.#isStill = false;
    if (isStill && (await this.#options.isAtEnd())) this.done = true;
  }

  async finish(): Promise<boolean> {
    if (this.#targets.every((t) => t.incomplete.length === 0)) return true;
    await this.#complete();
    this.#rounds++;
    if (this.more || this.#rounds === MOST_ROUNDS || this.lsn >= this.#target) return true;
    this.done = false;
    return false;
  }

  /** Looks up what was not in the log. The log is to be read up to where they were looked up. */
  async #complete(): Promise<void> {
    this.#incompleteBytes = 0;
    for (const target of this.#targets) {
      const rows = target.incomplete;
      if (rows.length === 0) continue;
      target.incomplete = [];
      target.beginObject();
      const { written, until } = await this.#options.complete(rows, target.lines);
      target.rows += written;
      if (until > this.#target) this.#target = until;
      await target.flush();
    }
  }

  /** Writes what is left; how many rows each object has, and what is to be remembered of the tables. */
  async end(): Promise<{
    declared: Record<string, Totals>;
    tables: Record<string, TableState>;
    /** By dataset: from a place on its changes could not be read. */
    troubles: Map<string, GranaryError>;
  }> {
    const troubles = new Map<string, GranaryError>();
    const declared: Record<string, Totals> = {};
    const tables: Record<string, TableState> = {};
    for (const target of this.#targets) {
      await target.flush();
      const { dataset } = target.table;
      if (target.isBegun) declared[dataset] = { rows: target.rows };
      tables[dataset] = target.stateAt(this.lsn);
      if (target.trouble) troubles.set(dataset, target.trouble);
    }
    return { declared, tables, troubles };
  }
}

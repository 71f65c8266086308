/** Lines that land for rows of the log: one dataset, and its table as it was at a place of the log. */
import { GranaryError } from '../../../lib/errors.ts';
import { CHANGED_AT, DELETED_COLUMN, OPERATION } from '../../lib/sql/landed.ts';
import type { LineBuffer } from '../../lib/sql/line-buffer.ts';
import {
  INSERT,
  NULL_LENGTH,
  type Relation,
  type RowMessage,
  type Tuple,
  UNCHANGED_LENGTH,
} from '../replication/messages.ts';
import { VALUE_BYTES, type Write, writerOf } from '../replication/values.ts';
import { type CapturedTable, columnNamed, OWN_COLUMNS } from './tables.ts';
import type { ResolvedType } from './types.ts';

export type Operation = 'insert' | 'update' | 'delete';

/** What is the same for all rows of a transaction: `2026-03-01 12:00:00.000000`, UTC. */
export type Moment = string;

/** What is written for a column of the header. */
interface Landed {
  column: number;
  write: Write;
}

/** Values of columns that the log left out, by their place in the table. */
export type Fill = ReadonlyMap<number, string | null>;

/** A row of which the log left out large values. */
export interface Incomplete {
  landing: Landing;
  /** The message. */
  bytes: Buffer;
  operation: Operation;
  moment: Moment;
  position: number;
}

export class Landing {
  readonly table: CapturedTable;
  readonly relation: Relation;
  /** Of the contract: not in the table. */
  readonly lost: string[] = [];
  /** Of the table: not in the contract. */
  readonly unread: string[];
  /** Places of the columns of the key. */
  readonly key: readonly number[];
  readonly #landed: (Landed | string | undefined)[];
  readonly #wanted: readonly number[];
  readonly #fixed: number;

  static hasKey({ key }: CapturedTable, { columns }: Relation): boolean {
    const names = columns.map((c) => c.name);
    return key.every((name) => columnNamed(names, name) !== undefined);
  }

  /** Error: `connector.not_found` for a key that the table has not got. */
  constructor(table: CapturedTable, relation: Relation, types: readonly ResolvedType[], moneyScale: number) {
    this.table = table;
    this.relation = relation;
    const names = relation.columns.map((c) => c.name);
    const placeOf = (name: string) => names.indexOf(columnNamed(names, name) ?? name);
    const wanted = new Map(table.columns.map((c) => [c.from, c.type]));
    this.#landed = table.header.map((name) => {
      if (OWN_COLUMNS.includes(name)) return name;
      const column = placeOf(name);
      if (column < 0) {
        this.lost.push(name);
        return undefined;
      }
      return { column, write: writerOf({ ...types[column]!, wanted: wanted.get(name)!, moneyScale }) };
    });
    this.#wanted = this.#landed.flatMap((l) => (typeof l === 'object' ? [l.column] : []));
    this.unread = names.filter((_, i) => !this.#wanted.includes(i));
    this.key = table.key.map((name) => {
      const column = placeOf(name);
      if (column >= 0) return column;
      throw new GranaryError(
        'connector.not_found',
        `${relation.schema}.${relation.table} had no column "${name}", which is in the key of ${table.dataset}.`,
        { hint: 'Change the key of the dataset: the table is read anew then.' },
      );
    });
    this.#fixed = 64 + table.header.length * VALUE_BYTES;
  }

  /**
   * Writes the lines of a row message: one, or two when it changes the key. Positions count on from `position`; returns the last one.
   * Rows whose values are not all in the log are given to `incomplete` instead.
   */
  write(
    row: RowMessage,
    buffer: Buffer,
    start: number,
    end: number,
    out: LineBuffer,
    moment: Moment,
    position: number,
    incomplete: (row: Incomplete) => void,
  ): number {
    let at = position;
    const { before, after, hasBefore, hasAfter } = row;
    if (!hasAfter) {
      this.#line(before, undefined, buffer, end - start, 'delete', moment, ++at, out);
      return at;
    }
    let operation: Operation = buffer[start] === INSERT ? 'insert' : 'update';
    if (hasBefore && this.#keyChanged(before, after, buffer)) {
      this.#line(before, undefined, buffer, end - start, 'delete', moment, ++at, out);
      operation = 'insert';
    }
    at++;
    const older = row.isWhole && hasBefore ? before : undefined;
    if (after.hasUnchanged && !older && this.#wanted.some((column) => after.lengths[column] === UNCHANGED_LENGTH))
      incomplete({ landing: this, bytes: Buffer.from(buffer.subarray(start, end)), operation, moment, position: at });
    else this.#line(after, older, buffer, end - start, operation, moment, at, out);
    return at;
  }

  /** A row that was incomplete, with what was looked up. */
  complete(
    { bytes, operation, moment, position }: Incomplete,
    { after }: RowMessage,
    fill: Fill,
    out: LineBuffer,
  ): void {
    this.#line(after, undefined, bytes, bytes.length, operation, moment, position, out, fill);
  }

  /** Wanted columns that the log left out. */
  unchanged(after: Tuple): number[] {
    return this.#wanted.filter((column) => after.lengths[column] === UNCHANGED_LENGTH);
  }

  #keyChanged(before: Tuple, after: Tuple, buffer: Buffer): boolean {
    for (const column of this.key) {
      const length = after.lengths[column]!;
      if (length === UNCHANGED_LENGTH) continue;
      if (length !== before.lengths[column]) return true;
      const [a, b] = [before.starts[column]!, after.starts[column]!];
      if (length > 0 && buffer.compare(buffer, a, a + length, b, b + length) !== 0) return true;
    }
    return false;
  }

  #line(
    tuple: Tuple,
    older: Tuple | undefined,
    buffer: Buffer,
    size: number,
    operation: Operation,
    moment: Moment,
    position: number,
    out: LineBuffer,
    fill?: Fill,
  ): void {
    out.room(size * 2 + this.#fixed);
    const { starts, lengths } = tuple;
    const landed = this.#landed;
    for (let i = 0; i < landed.length; i++) {
      if (i > 0) out.comma();
      const what = landed[i];
      if (what === undefined) out.null();
      else if (typeof what === 'string') own(what, operation, moment, position, out);
      else {
        const { column, write } = what;
        const length = lengths[column]!;
        if (length >= 0) write(out, buffer, starts[column]!, length);
        else if (length === NULL_LENGTH) out.null();
        else if (older && older.lengths[column]! >= 0)
          write(out, buffer, older.starts[column]!, older.lengths[column]!);
        else {
          const value = fill?.get(column) ?? null;
          if (value === null) out.null();
          else out.string(value);
        }
      }
    }
    out.endLine();
  }
}

function own(name: string, operation: Operation, moment: Moment, position: number, out: LineBuffer): void {
  if (name === OPERATION) out.ascii(operation);
  else if (name === DELETED_COLUMN) out.ascii(operation === 'delete' ? 'true' : 'false');
  else if (name === CHANGED_AT) out.ascii(moment);
  else out.ascii(String(position));
}

/**
 * Messages of the output plugin pgoutput, protocol version 1, with values as text.
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */

export const BEGIN = 0x42;
export const COMMIT = 0x43;
export const RELATION = 0x52;
export const INSERT = 0x49;
export const UPDATE = 0x55;
export const DELETE = 0x44;
export const TRUNCATE = 0x54;

/** Before the new row of an update, and in a delete: the key, or the whole old row. */
const [NEW, OLD] = [0x4e, 0x4f] as const;
const [NULL, UNCHANGED] = [0x6e, 0x75] as const;
/** Microseconds between 1970 and 2000. */
const YEAR_2000_US = 946_684_800_000_000;

/** A table as it was at a place of the log. */
export interface Relation {
  oid: number;
  schema: string;
  table: string;
  /** `d` (primary key), `n` (nothing), `f` (whole row), `i` (an index). */
  identity: string;
  columns: RelationColumn[];
}

export interface RelationColumn {
  name: string;
  /** Part of what identifies a row in the log. */
  isKey: boolean;
  type: number;
  modifier: number;
}

export interface Begin {
  /** Of the record of the commit. */
  lsn: bigint;
  /** Microseconds since 1970. */
  at: number;
  xid: number;
}

export function readBegin(buffer: Buffer, start: number): Begin {
  return {
    lsn: buffer.readBigUInt64BE(start + 1),
    at: readTime(buffer, start + 9),
    xid: buffer.readUInt32BE(start + 17),
  };
}

/** Where the next transaction begins at the earliest. */
export const readCommitEnd = (buffer: Buffer, start: number): bigint => buffer.readBigUInt64BE(start + 10);

/** A number keeps microseconds exactly until the year 2255. */
const readTime = (buffer: Buffer, at: number): number => Number(buffer.readBigInt64BE(at)) + YEAR_2000_US;

export function readRelation(buffer: Buffer, start: number): Relation {
  let at = start + 5;
  const text = () => {
    const end = buffer.indexOf(0, at);
    const found = buffer.toString('utf8', at, end);
    at = end + 1;
    return found;
  };
  const oid = buffer.readUInt32BE(start + 1);
  const schema = text() || 'pg_catalog';
  const table = text();
  const identity = String.fromCharCode(buffer[at]!);
  const count = buffer.readUInt16BE(at + 1);
  at += 3;
  const columns: RelationColumn[] = [];
  for (let i = 0; i < count; i++) {
    const isKey = (buffer[at++]! & 1) === 1;
    const name = text();
    columns.push({ name, isKey, type: buffer.readUInt32BE(at), modifier: buffer.readInt32BE(at + 4) });
    at += 8;
  }
  return { oid, schema, table, identity, columns };
}

export const readOid = (buffer: Buffer, start: number): number => buffer.readUInt32BE(start + 1);

export function readTruncated(buffer: Buffer, start: number): number[] {
  const count = buffer.readUInt32BE(start + 1);
  return Array.from({ length: count }, (_, i) => buffer.readUInt32BE(start + 6 + i * 4));
}

/** Lengths that are none. */
export const NULL_LENGTH = -1;
/** A large value that is stored apart, and was not touched: it is not in the log. */
export const UNCHANGED_LENGTH = -2;

/** Where the values of a row are. Used again for every row. */
export class Tuple {
  count = 0;
  starts: Int32Array = new Int32Array(64);
  lengths: Int32Array = new Int32Array(64);
  hasUnchanged = false;

  /** Returns where the tuple ends. */
  locate(buffer: Buffer, start: number): number {
    const count = (buffer[start]! << 8) | buffer[start + 1]!;
    if (count > this.starts.length) {
      this.starts = new Int32Array(count * 2);
      this.lengths = new Int32Array(count * 2);
    }
    const { starts, lengths } = this;
    this.count = count;
    this.hasUnchanged = false;
    let at = start + 2;
    for (let i = 0; i < count; i++) {
      const kind = buffer[at++]!;
      if (kind === NULL) lengths[i] = NULL_LENGTH;
      else if (kind === UNCHANGED) {
        lengths[i] = UNCHANGED_LENGTH;
        this.hasUnchanged = true;
      } else {
        const length = (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
        at += 4;
        starts[i] = at;
        lengths[i] = length;
        at += length;
      }
    }
    return at;
  }
}

/** Rows of an insert, update or delete. */
export class RowMessage {
  readonly before = new Tuple();
  readonly after = new Tuple();
  hasBefore = false;
  hasAfter = false;
  /** `before` is the whole row, not only its key. */
  isWhole = false;

  /** A message that begins at `start`. */
  read(buffer: Buffer, start: number): void {
    let at = start + 5;
    const isDelete = buffer[start] === DELETE;
    const kind = buffer[at++]!;
    this.hasBefore = kind !== NEW;
    this.hasAfter = !isDelete;
    if (this.hasBefore) {
      this.isWhole = kind === OLD;
      at = this.before.locate(buffer, at);
      if (isDelete) return;
      at++;
    }
    this.after.locate(buffer, at);
  }
}

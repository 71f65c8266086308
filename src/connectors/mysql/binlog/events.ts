/**
 * Events of a binary log as they come over a replication connection.
 * Formats: https://mariadb.com/kb/en/2-binlog-event-header/ and the pages beside it; `sql/log_event.h` of the server.
 */
import { inflateSync } from 'node:zlib';
import { GranaryError } from '../../../lib/errors.ts';
import type { Gtid } from './gtids.ts';

/** Types of events that mean something here. Those above 159 are MariaDB's own. */
export const EVENT = {
  query: 2,
  rotate: 4,
  loadBlock: 9,
  executeLoad: 18,
  formatDescription: 15,
  xid: 16,
  tableMap: 19,
  writeRows1: 23,
  updateRows1: 24,
  deleteRows1: 25,
  incident: 26,
  heartbeat: 27,
  writeRows2: 30,
  updateRows2: 31,
  deleteRows2: 32,
  mysqlGtid: 33,
  anonymousGtid: 34,
  xaPrepare: 38,
  payload: 40,
  laterHeartbeat: 41,
  taggedGtid: 42,
  gtid: 162,
  compressedQuery: 165,
  compressedWriteRows1: 166,
  compressedUpdateRows1: 167,
  compressedDeleteRows1: 168,
  compressedWriteRows2: 169,
  compressedUpdateRows2: 170,
  compressedDeleteRows2: 171,
} as const;

/** Events that change no rows by themselves: ends of files, variables of statements, parts of LOAD DATA, what is only for people, and lists of GTIDs. */
const WITHOUT_ROWS = new Set([1, 3, 5, 7, 9, 10, 11, 13, 14, 17, 27, 28, 29, 35, 36, 37, 160, 161, 163, 164]);
const KNOWN = new Set<number>(Object.values(EVENT));
/** Of an event: who does not know it may leave it out. */
const IGNORABLE = 0x80;

/** Whether an event may tell changes in a way that is not known here. */
export const isUnknown = ({ type, buffer, start }: BinlogEvent): boolean =>
  !KNOWN.has(type) && !WITHOUT_ROWS.has(type) && (buffer.readUInt16LE(start + 17) & IGNORABLE) === 0;

/** Bytes of the header of every event. */
export const HEADER = 19;

/** An event within a packet: header at `start`, and `end` after its last byte, the checksum left out. The buffer is used again afterwards. */
export interface BinlogEvent {
  buffer: Buffer;
  start: number;
  end: number;
  type: number;
  /** Seconds since 1970 in UTC at the server: when the statement began. */
  timestamp: number;
  serverId: number;
  /** Where the next event begins in its file; 0: the server made this event up. */
  next: number;
}

/** Reads lengths of the protocol: `p` moves. */
export class Cursor {
  readonly buffer: Buffer;
  p: number;

  constructor(buffer: Buffer, p: number) {
    this.buffer = buffer;
    this.p = p;
  }

  length(): number {
    const first = this.buffer[this.p++]!;
    if (first < 0xfb) return first;
    const size = first === 0xfc ? 2 : first === 0xfd ? 3 : 8;
    const value = size === 8 ? Number(this.buffer.readBigUInt64LE(this.p)) : this.buffer.readUIntLE(this.p, size);
    this.p += size;
    return value;
  }

  take(size: number): Buffer {
    const bytes = this.buffer.subarray(this.p, this.p + size);
    this.p += size;
    return bytes;
  }
}

/** File and position from which the events that follow are. */
export function readRotate({ buffer, start, end }: BinlogEvent): { file: string; pos: number } {
  const at = start + HEADER;
  return { pos: Number(buffer.readBigUInt64LE(at)), file: buffer.toString('utf8', at + 8, end) };
}

export interface GtidEvent extends Gtid {
  /** There is no event that ends the group: it is one statement. */
  standalone: boolean;
  /** The rows of a distributed transaction, which is decided later. */
  prepared: boolean;
}

/** Of MariaDB. */
export function readGtid({ buffer, start }: BinlogEvent): GtidEvent {
  const at = start + HEADER;
  const flags = buffer[at + 12]!;
  return {
    sequence: buffer.readBigUInt64LE(at),
    space: String(buffer.readUInt32LE(at + 8)),
    standalone: (flags & 1) !== 0,
    prepared: (flags & 64) !== 0,
  };
}

/** Of MySQL. What follows tells by its BEGIN that it is not one statement. */
export function readMysqlGtid({ buffer, start }: BinlogEvent): GtidEvent {
  const at = start + HEADER + 1;
  const hex = buffer.toString('hex', at, at + 16);
  const space = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  return { space, sequence: buffer.readBigInt64LE(at + 16), standalone: true, prepared: false };
}

/** Whether a distributed transaction was not only prepared but committed at once. */
export const isOnePhase = ({ buffer, start }: BinlogEvent): boolean => buffer[start + HEADER] === 1;

/** As `XA COMMIT` writes it: https://mariadb.com/kb/en/xa_prepare_log_event/ */
export function readXid({ buffer, start }: BinlogEvent): string {
  const at = start + HEADER + 1;
  const format = buffer.readInt32LE(at);
  const [global, branch] = [buffer.readInt32LE(at + 4), buffer.readInt32LE(at + 8)];
  const from = at + 12;
  const hex = (a: number, b: number) => `X'${buffer.toString('hex', a, b)}'`;
  return `${hex(from, from + global)},${hex(from + global, from + global + branch)},${format}`;
}

export interface QueryEvent {
  /** The database that names without one belong to. */
  database: string;
  text: string;
}

export function readQuery(event: BinlogEvent): QueryEvent {
  const { buffer, start, end, type } = event;
  const at = start + HEADER;
  const databaseLength = buffer[at + 8]!;
  const variables = at + 13 + buffer.readUInt16LE(at + 11);
  const database = buffer.toString('utf8', variables, variables + databaseLength);
  const from = variables + databaseLength + 1;
  const text =
    type === EVENT.compressedQuery ? inflated(buffer, from, end).toString('utf8') : buffer.toString('utf8', from, end);
  return { database, text };
}

/** `log_bin_compress`: a byte with how many bytes the length has, the length, and a zlib stream. */
export function inflated(buffer: Buffer, start: number, end: number): Buffer {
  const head = buffer[start]!;
  const bytes = head & 7;
  if ((head & 0xf0) !== 0x80 || bytes === 0 || bytes > 4)
    throw new GranaryError('connector.protocol', 'The binary log has an event that is compressed in an unknown way.');
  const size = buffer.readUIntBE(start + 1, bytes);
  const out = inflateSync(buffer.subarray(start + 1 + bytes, end));
  if (out.length !== size)
    throw new GranaryError(
      'connector.protocol',
      'A compressed event of the binary log has another length than it says.',
    );
  return out;
}

/**
 * Row images of WRITE, UPDATE and DELETE events. Where each value lies is found first; then those that are wanted are written, in the order in which they land.
 * Format: https://mariadb.com/kb/en/rows_event_v1v2-rows_compressed_event_v1/
 */
import { GranaryError } from '../../../lib/errors.ts';
import { decimalBytes } from './decimal.ts';
import { type BinlogEvent, Cursor, EVENT, HEADER, inflated } from './events.ts';
import { type MappedColumn, type TableMap, TYPE } from './table-map.ts';
import { fractionBytes } from './temporal.ts';

export type Operation = 'insert' | 'update' | 'delete';

const OPERATIONS: Record<number, Operation> = {
  [EVENT.writeRows1]: 'insert',
  [EVENT.writeRows2]: 'insert',
  [EVENT.compressedWriteRows1]: 'insert',
  [EVENT.compressedWriteRows2]: 'insert',
  [EVENT.updateRows1]: 'update',
  [EVENT.updateRows2]: 'update',
  [EVENT.compressedUpdateRows1]: 'update',
  [EVENT.compressedUpdateRows2]: 'update',
  [EVENT.deleteRows1]: 'delete',
  [EVENT.deleteRows2]: 'delete',
  [EVENT.compressedDeleteRows1]: 'delete',
  [EVENT.compressedDeleteRows2]: 'delete',
};

export const isRowsEvent = (type: number): boolean => type in OPERATIONS;
const isVersion2 = (type: number): boolean =>
  (type >= EVENT.writeRows2 && type <= EVENT.deleteRows2) || type >= EVENT.compressedWriteRows2;
const isCompressed = (type: number): boolean => type >= EVENT.compressedWriteRows1;

export interface RowsEvent {
  operation: Operation;
  buffer: Buffer;
  /** Where the images begin, one after the other; an update has two for each row. */
  start: number;
  end: number;
  /** All images have all columns (`binlog_row_image=FULL`). */
  isFull: boolean;
  columns: number;
}

export function readRowsEvent(event: BinlogEvent): RowsEvent {
  const { buffer, end, type } = event;
  const operation = OPERATIONS[type]!;
  const at = new Cursor(buffer, event.start + HEADER + 8);
  if (isVersion2(type)) at.p += buffer.readUInt16LE(at.p);
  const columns = at.length();
  const bitmap = (columns + 7) >> 3;
  let isFull = hasAll(buffer, at.p, columns);
  at.p += bitmap;
  if (operation === 'update') {
    isFull &&= hasAll(buffer, at.p, columns);
    at.p += bitmap;
  }
  if (!isCompressed(type)) return { operation, buffer, start: at.p, end, isFull, columns };
  const bytes = inflated(buffer, at.p, end);
  return { operation, buffer: bytes, start: 0, end: bytes.length, isFull, columns };
}

function hasAll(buffer: Buffer, p: number, columns: number): boolean {
  for (let i = 0; i < columns; i++) if ((buffer[p + (i >> 3)]! & (1 << (i & 7))) === 0) return false;
  return true;
}

/** Bytes of a value where all have the same; 0: so many bytes of a length stand before it, as `prefixOf` says. */
function sizeOf({ type, meta }: MappedColumn): number {
  switch (type) {
    case TYPE.tiny:
    case TYPE.year:
      return 1;
    case TYPE.short:
      return 2;
    case TYPE.int24:
    case TYPE.date:
    case TYPE.oldTime:
      return 3;
    case TYPE.long:
    case TYPE.float:
    case TYPE.oldTimestamp:
      return 4;
    case TYPE.longlong:
    case TYPE.double:
    case TYPE.oldDatetime:
      return 8;
    case TYPE.timestamp:
      return 4 + fractionBytes(meta);
    case TYPE.datetime:
      return 5 + fractionBytes(meta);
    case TYPE.time:
      return 3 + fractionBytes(meta);
    case TYPE.decimal:
      return decimalBytes(meta >> 8, meta & 255);
    case TYPE.enum:
    case TYPE.set:
      return meta;
    case TYPE.bit:
      return (meta >> 8) + ((meta & 255) > 0 ? 1 : 0);
    default:
      return 0;
  }
}

function prefixOf({ name, type, meta }: MappedColumn): number {
  switch (type) {
    case TYPE.varchar:
    case TYPE.varString:
    case TYPE.string:
    case TYPE.compressedVarchar:
      return meta > 255 ? 2 : 1;
    case TYPE.blob:
    case TYPE.json:
    case TYPE.geometry:
    case TYPE.compressedBlob:
      return meta;
  }
  throw new GranaryError(
    'connector.protocol',
    `The column ${name} has the type ${type}, which is not known of binary logs.`,
  );
}

/** Finds the values of a row image. */
export class RowLocator {
  /** Where the bytes of each value begin, and how many there are; −1: NULL. */
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  readonly #sizes: Int32Array;
  readonly #prefixes: Int32Array;
  readonly #count: number;

  constructor({ columns }: TableMap) {
    this.#count = columns.length;
    this.starts = new Int32Array(this.#count);
    this.lengths = new Int32Array(this.#count);
    this.#sizes = Int32Array.from(columns, sizeOf);
    // A BIT(0) or an enum of no bytes cannot be: so 0 stands for a length before the value.
    this.#prefixes = Int32Array.from(columns, (c) => (sizeOf(c) === 0 ? prefixOf(c) : 0));
  }

  /** Returns where the image ends. Error: `connector.protocol` where it would end beyond the event. */
  locate(from: Buffer, start: number, end: number): number {
    const { starts, lengths } = this;
    const sizes = this.#sizes;
    const prefixes = this.#prefixes;
    const count = this.#count;
    let p = start + ((count + 7) >> 3);
    for (let i = 0; i < count; i++) {
      if ((from[start + (i >> 3)]! & (1 << (i & 7))) !== 0) {
        lengths[i] = -1;
        continue;
      }
      let length = sizes[i]!;
      if (length === 0) {
        const prefix = prefixes[i]!;
        length = from[p]!;
        if (prefix > 1) {
          length |= from[p + 1]! << 8;
          if (prefix > 2) length |= from[p + 2]! << 16;
          if (prefix > 3) length += from[p + 3]! * 0x1000000;
        }
        p += prefix;
      }
      starts[i] = p;
      lengths[i] = length;
      p += length;
    }
    if (p > end)
      throw new GranaryError('connector.protocol', 'A row of the binary log ends beyond its event.', {
        transient: true,
      });
    return p;
  }
}

/**
 * How a table was at a place of the log: TABLE_MAP_EVENT with its optional metadata (`binlog_row_metadata=FULL`).
 * Format: https://mariadb.com/kb/en/table_map_event/; metadata: `Table_map_log_event` in `sql/log_event.h`.
 */
import { Cursor, HEADER } from './events.ts';

export const TYPE = {
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  oldTimestamp: 7,
  longlong: 8,
  int24: 9,
  date: 10,
  oldTime: 11,
  oldDatetime: 12,
  year: 13,
  varchar: 15,
  bit: 16,
  timestamp: 17,
  datetime: 18,
  time: 19,
  compressedBlob: 140,
  compressedVarchar: 141,
  json: 245,
  decimal: 246,
  enum: 247,
  set: 248,
  blob: 252,
  varString: 253,
  string: 254,
  geometry: 255,
} as const;

export interface MappedColumn {
  name: string;
  type: number;
  /** Depends on the type: bytes of a length, digits of fractions, precision * 256 + scale. */
  meta: number;
  unsigned: boolean;
  /** Number of a collation, where the value is text. */
  collation: number;
  /** Of enum and set, in their own character set. */
  values: Buffer[] | undefined;
}

export interface TableMap {
  id: number;
  database: string;
  table: string;
  columns: MappedColumn[];
  /** The server has written no names: `binlog_row_metadata` was not FULL. */
  isNamed: boolean;
  isMariaDb: boolean;
}

const NUMERIC = new Set<number>([
  TYPE.tiny,
  TYPE.short,
  TYPE.int24,
  TYPE.long,
  TYPE.longlong,
  TYPE.decimal,
  TYPE.float,
  TYPE.double,
  TYPE.year,
]);
const TEXTUAL = new Set<number>([
  TYPE.varchar,
  TYPE.string,
  TYPE.blob,
  TYPE.varString,
  TYPE.compressedBlob,
  TYPE.compressedVarchar,
]);
const BINARY = 63;

export const tableIdOf = (buffer: Buffer, start: number): number => buffer.readUIntLE(start + HEADER, 6);

/** MariaDB tells a character set of shapes as well; MySQL does not. */
export function readTableMap(buffer: Buffer, start: number, end: number, isMariaDb: boolean): TableMap {
  const at = new Cursor(buffer, start + HEADER + 8);
  const database = at.take(buffer[at.p++]!).toString();
  at.p++;
  const table = at.take(buffer[at.p++]!).toString();
  at.p++;
  const count = at.length();
  const types = [...at.take(count)];
  const metadata = at.take(at.length());
  const columns = readColumns(types, metadata);
  at.p += (count + 7) >> 3;
  const isNamed = readOptional(columns, at, end, isMariaDb);
  return { id: tableIdOf(buffer, start), database, table, columns, isNamed, isMariaDb };
}

function readColumns(types: number[], bytes: Buffer): MappedColumn[] {
  let p = 0;
  return types.map((given) => {
    let type = given;
    let meta = 0;
    switch (type) {
      case TYPE.float:
      case TYPE.double:
      case TYPE.timestamp:
      case TYPE.datetime:
      case TYPE.time:
      case TYPE.blob:
      case TYPE.json:
      case TYPE.geometry:
      case TYPE.compressedBlob:
        meta = bytes[p++]!;
        break;
      case TYPE.varchar:
      case TYPE.bit:
      case TYPE.compressedVarchar:
        meta = bytes.readUInt16LE(p);
        p += 2;
        break;
      case TYPE.decimal:
        meta = bytes[p]! * 256 + bytes[p + 1]!;
        p += 2;
        break;
      case TYPE.string:
      case TYPE.varString:
      case TYPE.enum:
      case TYPE.set: {
        // The type that it really is; two bits of a length above 255 are hidden in it, the wrong way round.
        const real = bytes[p]!;
        meta = bytes[p + 1]!;
        p += 2;
        if (real === TYPE.enum || real === TYPE.set) type = real;
        else if ((real & 0x30) !== 0x30) meta |= ((real & 0x30) ^ 0x30) << 4;
      }
    }
    return { name: '', type, meta, unsigned: false, collation: BINARY, values: undefined };
  });
}

const FIELD = {
  signedness: 1,
  defaultCharset: 2,
  columnCharset: 3,
  columnName: 4,
  setValues: 5,
  enumValues: 6,
  enumAndSetDefaultCharset: 10,
  enumAndSetColumnCharset: 11,
} as const;

/** Fills in what is told; whether names are. */
function readOptional(columns: MappedColumn[], at: Cursor, end: number, isMariaDb: boolean): boolean {
  const numeric = columns.filter((c) => NUMERIC.has(c.type));
  const textual = columns.filter((c) => TEXTUAL.has(c.type) || (isMariaDb && c.type === TYPE.geometry));
  const listed = columns.filter((c) => c.type === TYPE.enum || c.type === TYPE.set);
  let isNamed = columns.length === 0;
  while (at.p < end) {
    const field = at.buffer[at.p++]!;
    const size = at.length();
    const inside = new Cursor(at.buffer, at.p);
    const stop = at.p + size;
    at.p = stop;
    switch (field) {
      case FIELD.signedness:
        for (const [i, column] of numeric.entries())
          column.unsigned = (at.buffer[inside.p + (i >> 3)]! & (0x80 >> (i & 7))) !== 0;
        break;
      case FIELD.defaultCharset:
        readDefault(textual, inside, stop);
        break;
      case FIELD.enumAndSetDefaultCharset:
        readDefault(listed, inside, stop);
        break;
      case FIELD.columnCharset:
        for (const column of textual) column.collation = inside.length();
        break;
      case FIELD.enumAndSetColumnCharset:
        for (const column of listed) column.collation = inside.length();
        break;
      case FIELD.columnName:
        for (const column of columns) column.name = inside.take(inside.length()).toString();
        isNamed = true;
        break;
      case FIELD.setValues:
      case FIELD.enumValues: {
        const type = field === FIELD.setValues ? TYPE.set : TYPE.enum;
        for (const column of listed) {
          if (column.type !== type) continue;
          const count = inside.length();
          column.values = Array.from({ length: count }, () => Buffer.from(inside.take(inside.length())));
        }
      }
    }
  }
  return isNamed;
}

/** A collation for all, and pairs of a column's place and another one. */
function readDefault(columns: MappedColumn[], at: Cursor, stop: number): void {
  const common = at.length();
  for (const column of columns) column.collation = common;
  while (at.p < stop) {
    const index = at.length();
    const collation = at.length();
    const column = columns[index];
    if (column) column.collation = collation;
  }
}

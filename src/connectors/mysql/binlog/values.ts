/** How a value of a column goes from the log to landed CSV: the same text that a SELECT of the extraction gives. */
import { GranaryError } from '../../../lib/errors.ts';
import type { LineBuffer } from '../../lib/sql/line-buffer.ts';
import { inet4Text, inet6Text, uuidText, whole } from './addresses.ts';
import type { Encoding } from './charsets.ts';
import { writeDecimal } from './decimal.ts';
import { jsonText } from './json.ts';
import { doubleText } from './number-text.ts';
import { type MappedColumn, TYPE } from './table-map.ts';
import * as temporal from './temporal.ts';
import { wellKnownText } from './wkt.ts';

/** Writes the value whose bytes begin at `start`, without what tells its length. */
export type Write = (out: LineBuffer, from: Buffer, start: number, length: number) => void;

/** What the log does not say about a column and the catalog does. */
export interface Known {
  /** The type in the server's words: `uuid`, `int(8) unsigned zerofill`. Undefined: the column is not there any more. */
  native: string | undefined;
  /** Dates without a month or day become NULL. */
  zeroDatesNull: boolean;
}

/** Error: `connector.protocol` for a type that cannot be read, naming the column. */
export function writerOf(
  column: MappedColumn,
  encodingOf: (collation: number) => Encoding,
  known: Known,
  isMariaDb: boolean,
): Write {
  const { type, meta, unsigned } = column;
  switch (type) {
    case TYPE.tiny:
    case TYPE.short:
    case TYPE.int24:
    case TYPE.long:
    case TYPE.longlong:
      return zeroFilled(known.native) ?? integerWriter(type, unsigned);
    case TYPE.float:
      return (out, from, start) => out.ascii(doubleText(from.readFloatLE(start)));
    case TYPE.double:
      return (out, from, start) => out.ascii(doubleText(from.readDoubleLE(start)));
    case TYPE.decimal: {
      const [precision, scale] = [meta >> 8, meta & 255];
      return (out, from, start) => writeDecimal(out, from, start, precision, scale);
    }
    case TYPE.year:
      return (out, from, start) => out.padded(from[start] === 0 ? 0 : 1900 + from[start]!, 4);
    case TYPE.bit:
      return writeBits;
    case TYPE.enum:
      return enumWriter(column, encodingOf);
    case TYPE.set:
      return setWriter(column, encodingOf);
    case TYPE.json:
      return (out, from, start, length) => writeLong(out, Buffer.from(jsonText(from, start, length)));
    case TYPE.geometry:
      return (out, from, start) => writeLong(out, Buffer.from(wellKnownText(from, start, isMariaDb)));
    case TYPE.varchar:
    case TYPE.varString:
    case TYPE.string:
    case TYPE.blob:
      return textWriter(column, encodingOf, known.native);
    default:
      return temporalWriter(column, known);
  }
}

function integerWriter(type: number, unsigned: boolean): Write {
  switch (type) {
    case TYPE.tiny:
      return unsigned
        ? (out, from, start) => out.integer(from[start]!)
        : (out, from, start) => out.integer((from[start]! << 24) >> 24);
    case TYPE.short:
      return unsigned
        ? (out, from, start) => out.integer(from[start]! | (from[start + 1]! << 8))
        : (out, from, start) => out.integer(((from[start]! << 16) | (from[start + 1]! << 24)) >> 16);
    case TYPE.int24:
      return (out, from, start) => {
        const v = from[start]! | (from[start + 1]! << 8) | (from[start + 2]! << 16);
        out.integer(unsigned ? v : (v << 8) >> 8);
      };
    case TYPE.long:
      return (out, from, start) => {
        const v = from[start]! | (from[start + 1]! << 8) | (from[start + 2]! << 16) | (from[start + 3]! << 24);
        out.integer(unsigned ? v >>> 0 : v);
      };
    default:
      return (out, from, start) => {
        const high = unsigned ? from.readUInt32LE(start + 4) : from.readInt32LE(start + 4);
        if (high < 0x200000 && high > -0x200000) return out.integer(high * 4294967296 + from.readUInt32LE(start));
        out.ascii(String(unsigned ? from.readBigUInt64LE(start) : from.readBigInt64LE(start)));
      };
  }
}

/** `int(8) zerofill` prints zeros first. */
function zeroFilled(native: string | undefined): Write | undefined {
  const width = Number(/\((\d+)\).*zerofill/i.exec(native ?? '')?.[1] ?? 0);
  if (width === 0) return undefined;
  return (out, from, start, length) => {
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(from[start + i]!);
    out.ascii(String(value).padStart(width, '0'));
  };
}

function writeBits(out: LineBuffer, from: Buffer, start: number, length: number): void {
  if (length <= 6) {
    out.integer(from.readUIntBE(start, length));
    return;
  }
  let value = 0n;
  for (let i = 0; i < length; i++) value = (value << 8n) | BigInt(from[start + i]!);
  out.ascii(String(value));
}

function temporalWriter({ name, type, meta }: MappedColumn, { native, zeroDatesNull }: Known): Write {
  const orNull =
    (isZero: (from: Buffer, start: number, length: number) => boolean, write: Write): Write =>
    (out, from, start, length) =>
      zeroDatesNull && isZero(from, start, length) ? out.null() : write(out, from, start, length);
  switch (type) {
    case TYPE.date:
      return orNull(temporal.isZeroDay, temporal.writeDay);
    case TYPE.datetime:
      return orNull(temporal.isZeroDatetime, (out, from, start) => temporal.writeDatetime(out, from, start, meta));
    case TYPE.timestamp:
      return orNull(temporal.isZeroTimestamp, (out, from, start) => temporal.writeTimestamp(out, from, start, meta));
    case TYPE.time:
      return (out, from, start) => temporal.writeTime(out, from, start, meta);
  }
  // Fractions of a second had another form in old MariaDB, whose length nothing tells.
  if (!/\(/.test(native ?? '')) {
    if (type === TYPE.oldTimestamp)
      return orNull(temporal.isZeroTimestamp, (out, from, start) => {
        const seconds = from.readUInt32LE(start);
        temporal.writeInstant(out, seconds, seconds === 0);
      });
    if (type === TYPE.oldDatetime) return (out, from, start) => temporal.writeOldDatetime(out, from, start);
    if (type === TYPE.oldTime) return (out, from, start) => temporal.writeOldTime(out, from, start);
  }
  throw new GranaryError(
    'connector.protocol',
    `The column ${name} is stored in a form that cannot be read from the binary log (type ${type}).`,
    {
      hint: 'Old forms of times become new ones with ALTER TABLE … FORCE; a compressed column: make it an ordinary one, or leave it out of the contract.',
    },
  );
}

function textWriter(column: MappedColumn, encodingOf: (collation: number) => Encoding, native = ''): Write {
  const address = /^(uuid|inet6|inet4)\b/i.exec(native)?.[1]?.toLowerCase();
  if (address && column.type === TYPE.string) {
    const print = address === 'uuid' ? uuidText : address === 'inet6' ? inet6Text : inet4Text;
    const size = address === 'inet4' ? 4 : 16;
    return (out, from, start, length) => out.ascii(print(whole(from, start, length, size)));
  }
  const encoding = encodingOf(column.collation);
  switch (encoding.kind) {
    case 'utf8':
      return (out, from, start, length) => out.text(from, start, length);
    case 'binary': {
      if (column.type !== TYPE.string) return (out, from, start, length) => out.hex(from, start, length);
      // Zeros at the end of BINARY are not stored.
      const size = column.meta;
      return (out, from, start, length) => {
        out.hex(from, start, size === 0 ? 0 : length);
        if (length === 0 && size > 0) out.n -= 2;
        for (let i = length; i < size; i++) out.pair(0);
      };
    }
    case 'table': {
      const { table } = encoding;
      const isAscii = (from: Buffer, start: number, length: number) => {
        for (let i = start; i < start + length; i++) if (from[i]! > 127) return false;
        return true;
      };
      const keepsAscii = table.slice(0, 128).every((bytes, i) => bytes.length === 1 && bytes[0] === i);
      return (out, from, start, length) => {
        if (keepsAscii && isAscii(from, start, length)) out.text(from, start, length);
        else writeLong(out, Buffer.concat(Array.from(from.subarray(start, start + length), (b) => table[b]!)));
      };
    }
    case 'decoder':
      return (out, from, start, length) =>
        writeLong(out, Buffer.from(encoding.decode(from.subarray(start, start + length))));
  }
}

/** A text that may be longer than the room that a row was given. */
function writeLong(out: LineBuffer, text: Buffer): void {
  out.reserve(text.length * 2 + 2);
  out.text(text, 0, text.length);
}

function decoded(column: MappedColumn, encodingOf: (collation: number) => Encoding): Buffer[] {
  const encoding = encodingOf(column.collation);
  return (column.values ?? []).map((value) => {
    if (encoding.kind === 'decoder') return Buffer.from(encoding.decode(value));
    return encoding.kind === 'table' ? Buffer.concat(Array.from(value, (b) => encoding.table[b]!)) : value;
  });
}

function enumWriter(column: MappedColumn, encodingOf: (collation: number) => Encoding): Write {
  const values = decoded(column, encodingOf);
  const none = Buffer.alloc(0);
  return (out, from, start, length) => {
    const place = length === 1 ? from[start]! : from.readUInt16LE(start);
    writeLong(out, values[place - 1] ?? none);
  };
}

function setWriter(column: MappedColumn, encodingOf: (collation: number) => Encoding): Write {
  const values = decoded(column, encodingOf);
  const comma = Buffer.from(',');
  return (out, from, start, length) => {
    const chosen: Buffer[] = [];
    for (const [i, value] of values.entries())
      if (i >> 3 < length && (from[start + (i >> 3)]! & (1 << (i & 7))) !== 0)
        chosen.push(...(chosen.length > 0 ? [comma] : []), value);
    writeLong(out, Buffer.concat(chosen));
  };
}

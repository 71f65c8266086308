/**
 * MySQL's binary JSON, as text like the server prints it: `{"a": [1, 2.5], "b": null}`.
 * Format: `sql-common/json_binary.h` of the server; what it prints: `Json_wrapper::to_string` in `sql-common/json_dom.cc`.
 */
import { GranaryError } from '../../../lib/errors.ts';
import { LineBuffer } from '../../lib/sql/line-buffer.ts';
import { writeDecimal } from './decimal.ts';
import { doubleText } from './number-text.ts';
import { TYPE } from './table-map.ts';

const KIND = {
  smallObject: 0,
  largeObject: 1,
  smallArray: 2,
  largeArray: 3,
  literal: 4,
  int16: 5,
  uint16: 6,
  int32: 7,
  uint32: 8,
  int64: 9,
  uint64: 10,
  double: 11,
  string: 12,
  opaque: 15,
} as const;

const LITERALS = ['null', 'true', 'false'];
/** Deeper than the server lets any document be. */
const DEEPEST = 200;

export function jsonText(from: Buffer, start: number, length: number): string {
  // What a column without a default has where rows were added without it.
  if (length === 0) return 'null';
  return valueText(from, from[start]!, start + 1, 0);
}

function valueText(from: Buffer, kind: number, p: number, depth: number): string {
  switch (kind) {
    case KIND.smallObject:
    case KIND.smallArray:
      return containerText(from, p, { isObject: kind === KIND.smallObject, isLarge: false, depth });
    case KIND.largeObject:
    case KIND.largeArray:
      return containerText(from, p, { isObject: kind === KIND.largeObject, isLarge: true, depth });
    case KIND.literal:
      return LITERALS[from[p]!] ?? unknown(`a literal ${from[p]}`);
    case KIND.int16:
      return String(from.readInt16LE(p));
    case KIND.uint16:
      return String(from.readUInt16LE(p));
    case KIND.int32:
      return String(from.readInt32LE(p));
    case KIND.uint32:
      return String(from.readUInt32LE(p));
    case KIND.int64:
      return String(from.readBigInt64LE(p));
    case KIND.uint64:
      return String(from.readBigUInt64LE(p));
    case KIND.double:
      return jsonDouble(from.readDoubleLE(p));
    case KIND.string: {
      const [at, size] = lengthAt(from, p);
      return quoted(from.toString('utf8', at, at + size));
    }
    case KIND.opaque: {
      const [at, size] = lengthAt(from, p + 1);
      return opaqueText(from, from[p]!, at, size);
    }
    default:
      return unknown(`a value of kind ${kind}`);
  }
}

interface Container {
  isObject: boolean;
  /** Offsets have four bytes instead of two. */
  isLarge: boolean;
  depth: number;
}

function containerText(from: Buffer, start: number, { isObject, isLarge, depth }: Container): string {
  if (depth > DEEPEST) return unknown('too many levels');
  const width = isLarge ? 4 : 2;
  const offset = (p: number) => from.readUIntLE(p, width);
  const count = offset(start);
  const keys = start + 2 * width;
  const values = keys + (isObject ? count * (width + 2) : 0);
  const parts: string[] = [];
  for (let i = 0; i < count; i++) {
    const entry = values + i * (width + 1);
    const kind = from[entry]!;
    const at = isInline(kind, isLarge) ? entry + 1 : start + offset(entry + 1);
    const text = valueText(from, kind, at, depth + 1);
    if (isObject) {
      const key = keys + i * (width + 2);
      const name = start + offset(key);
      parts.push(`${quoted(from.toString('utf8', name, name + from.readUInt16LE(key + width)))}: ${text}`);
    } else parts.push(text);
  }
  return isObject ? `{${parts.join(', ')}}` : `[${parts.join(', ')}]`;
}

const isInline = (kind: number, isLarge: boolean): boolean =>
  kind === KIND.literal ||
  kind === KIND.int16 ||
  kind === KIND.uint16 ||
  (isLarge && (kind === KIND.int32 || kind === KIND.uint32));

/** Seven bits a byte, the lowest first. Where what it is of begins, and the length. */
function lengthAt(from: Buffer, start: number): [at: number, length: number] {
  let length = 0;
  let p = start;
  for (let shift = 0; ; shift += 7) {
    const byte = from[p++]!;
    length += (byte & 0x7f) * 2 ** shift;
    if ((byte & 0x80) === 0) return [p, length];
  }
}

function jsonDouble(value: number): string {
  const text = Object.is(value, -0) ? '-0' : doubleText(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

const ESCAPES: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

const quoted = (text: string): string =>
  `"${text.replace(/["\\\x00-\x1f]/g, (c) => ESCAPES[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`;

/** Types of the server that JSON has not. */
function opaqueText(from: Buffer, type: number, p: number, length: number): string {
  switch (type) {
    case TYPE.decimal: {
      const out = new LineBuffer();
      const bytes = Buffer.from(from.subarray(p + 2, p + length));
      writeDecimal(out, bytes, 0, from[p]!, from[p + 1]!);
      return out.filled.toString();
    }
    case TYPE.date:
    case TYPE.oldDatetime:
    case TYPE.oldTimestamp:
      return `"${datetimeText(from.readBigInt64LE(p), type === TYPE.date)}"`;
    case TYPE.oldTime:
      return `"${timeText(from.readBigInt64LE(p))}"`;
    default:
      return `"base64:type${type}:${from.toString('base64', p, p + length)}"`;
  }
}

const two = (n: bigint): string => String(n).padStart(2, '0');
const six = (n: bigint): string => String(n).padStart(6, '0');

/** Years and months, days, and the time of the day in bits, then microseconds in 24 bits. */
function datetimeText(packed: bigint, isDay: boolean): string {
  const [whole, micros] = [packed >> 24n, packed & 0xffffffn];
  const [months, day] = [whole >> 22n, (whole >> 17n) & 31n];
  const date = `${String(months / 13n).padStart(4, '0')}-${two(months % 13n)}-${two(day)}`;
  if (isDay) return date;
  return `${date} ${two((whole >> 12n) & 31n)}:${two((whole >> 6n) & 63n)}:${two(whole & 63n)}.${six(micros)}`;
}

function timeText(packed: bigint): string {
  const size = packed < 0n ? -packed : packed;
  const [whole, micros] = [size >> 24n, size & 0xffffffn];
  const clock = `${two((whole >> 12n) & 1023n)}:${two((whole >> 6n) & 63n)}:${two(whole & 63n)}.${six(micros)}`;
  return packed < 0n ? `-${clock}` : clock;
}

function unknown(what: string): never {
  throw new GranaryError('connector.protocol', `JSON in the binary log has ${what}, which is not known.`, {
    hint: 'Leave the column out of the contract, or read the table by a watermark.',
  });
}

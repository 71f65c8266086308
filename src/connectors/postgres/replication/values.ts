/** How values of the stream land: as `landedSql` makes the server write them when it is queried (see `../types.ts`). */
import type { ColumnType } from '../../../model/schema.ts';
import type { LineBuffer } from '../../lib/sql/line-buffer.ts';
import { withBeforeChrist } from '../before-christ.ts';
import { isNested, type NativeType } from '../types.ts';
import { type Shape, toJson } from './nested.ts';

/** Writes the value at `start`. There is room for twice its bytes and `VALUE_BYTES`; what needs more asks for it. */
export type Write = (out: LineBuffer, from: Buffer, start: number, length: number) => void;
export const VALUE_BYTES = 32;

const [SPACE, LETTER_C, LETTER_T] = [0x20, 0x43, 0x74] as const;

export interface LandedAs {
  base: NativeType;
  /** Of the contract. */
  wanted: ColumnType;
  /** Of arrays and composite types. */
  shape: Shape | undefined;
  /** Digits after the point of `money` at this server. */
  moneyScale: number;
}

export function writerOf({ base, wanted, shape, moneyScale }: LandedAs): Write {
  if (isNested(base))
    return wanted === 'text' || !shape
      ? text
      : (out, b, s, n) => out.string(toJson(b.toString('utf8', s, s + n), shape));
  if (!base.own) return text;
  switch (base.name) {
    case 'bool':
      return wanted === 'boolean' ? plain : (out, b, s) => out.ascii(b[s] === LETTER_T ? 'true' : 'false');
    case 'int2':
    case 'int4':
    case 'int8':
    case 'numeric':
    case 'float4':
    case 'float8':
    case 'uuid':
    case 'oid':
      return plain;
    case 'bpchar':
      return padded;
    case 'bytea':
      // \x stands before the digits.
      return (out, b, s, n) => (n === 2 ? out.text(b, s, 0) : out.plain(b, s + 2, n - 2));
    case 'money':
      return (out, b, s, n) => out.ascii(moneyToDecimal(b.toString('latin1', s, s + n), moneyScale));
    case 'date':
    case 'timestamp':
      return time;
    case 'timestamptz':
      return wanted === 'timestamp' ? withoutZone : time;
    default:
      return text;
  }
}

const text: Write = (out, from, start, length) => out.text(from, start, length);
const plain: Write = (out, from, start, length) => out.plain(from, start, length);

/** The padding is no part of the value. */
function padded(out: LineBuffer, from: Buffer, start: number, length: number): void {
  let n = length;
  while (n > 0 && from[start + n - 1] === SPACE) n--;
  out.text(from, start, n);
}

function time(out: LineBuffer, from: Buffer, start: number, length: number): void {
  if (from[start + length - 1] === LETTER_C)
    out.ascii(withBeforeChrist(from.toString('latin1', start, start + length)));
  else out.plain(from, start, length);
}

/** Of the time zone UTC: `2026-03-01 12:00:00+00`. */
function withoutZone(out: LineBuffer, from: Buffer, start: number, length: number): void {
  out.ascii(withBeforeChrist(from.toString('latin1', start, start + length).replace('+00', '')));
}

/** However the server's locale writes it: the digits are its hundredths, or what they are there. */
function moneyToDecimal(value: string, scale: number): string {
  const digits = value
    .replace(/\D/g, '')
    .replace(/^0+(?=\d)/, '')
    .padStart(scale + 1, '0');
  const at = digits.length - scale;
  const number = scale === 0 ? digits : `${digits.slice(0, at)}.${digits.slice(at)}`;
  return /[-(]/.test(value) ? `-${number}` : number;
}

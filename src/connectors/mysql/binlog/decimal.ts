/**
 * DECIMAL as it is stored: nine digits in four bytes, big-endian, what is left over in fewer; the first bit is the sign turned round, and negative
 * numbers have all bits turned round. `decimal2bin` in `strings/decimal.c`.
 */
import type { LineBuffer } from '../../lib/sql/line-buffer.ts';

/** Bytes for so many digits that are left over. */
const BYTES = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4] as const;

export function decimalBytes(precision: number, scale: number): number {
  const whole = precision - scale;
  return ((whole / 9) | 0) * 4 + BYTES[whole % 9]! + ((scale / 9) | 0) * 4 + BYTES[scale % 9]!;
}

/** The number in some bytes, big-endian; `turned` is 0 or 0xff, what bits are turned round by. */
function group(from: Buffer, p: number, bytes: number, turned: number): number {
  let value = 0;
  for (let i = p; i < p + bytes; i++) value = ((value << 8) | (from[i]! ^ turned)) >>> 0;
  return value;
}

/** At most 67 bytes are written. */
export function writeDecimal(out: LineBuffer, from: Buffer, start: number, precision: number, scale: number): void {
  const whole = precision - scale;
  const first = from[start]!;
  const turned = (first & 0x80) === 0 ? 0xff : 0;
  // The sign is turned back for a while.
  from[start] = first ^ 0x80;
  if (turned !== 0) out.byte(45);
  let p = start;
  let begun = false;
  const head = BYTES[whole % 9]!;
  for (let left = whole - (whole % 9), bytes = head; ; left -= 9, bytes = 4) {
    if (bytes > 0) {
      const value = group(from, p, bytes, turned);
      p += bytes;
      if (begun) out.padded(value, 9);
      else if (value > 0) {
        out.integer(value);
        begun = true;
      }
    }
    if (left === 0) break;
  }
  if (!begun) out.byte(48);
  if (scale > 0) {
    out.byte(46);
    for (let left = scale; left > 0; left -= 9) {
      const digits = Math.min(left, 9);
      const bytes = BYTES[digits]!;
      out.padded(group(from, p, bytes, turned), digits);
      p += bytes;
    }
  }
  from[start] = first;
}

/**
 * DECIMAL as it is stored: nine digits in four bytes, big-endian, what is left over in fewer; the first bit is the sign turned round, and negative
 * numbers have all bits turned round. `decimal2bin` in `strings/decimal.c`.
 */
import type { LineBuffer } from './line-buffer.ts';

/** Bytes for so many digits that are left over. */
const BYTES = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4] as const;

export function decimalBytes(precision: number, scale: number): number {
  const whole = precision - scale;
  return ((whole / 9) | 0) * 4 + BYTES[whole % 9]! + ((scale / 9) | 0) * 4 + BYTES[scale % 9]!;
}

/** At most 67 bytes are written. */
export function writeDecimal(out: LineBuffer, from: Buffer, start: number, precision: number, scale: number): void {
  const whole = precision - scale;
  const turned = (from[start]! & 0x80) === 0 ? 0xff : 0;
  let p = start;
  let sign = 0x80;
  const group = (bytes: number): number => {
    let value = 0;
    for (let i = 0; i < bytes; i++) {
      value = value * 256 + (from[p++]! ^ turned ^ sign);
      sign = 0;
    }
    return value;
  };
  if (turned !== 0) out.byte(45);
  let begun = false;
  const head = whole % 9;
  if (head > 0) {
    const value = group(BYTES[head]!);
    if (value > 0) {
      out.integer(value);
      begun = true;
    }
  }
  for (let left = (whole / 9) | 0; left > 0; left--) {
    const value = group(4);
    if (begun) out.padded(value, 9);
    else if (value > 0) {
      out.integer(value);
      begun = true;
    }
  }
  if (!begun) out.byte(48);
  if (scale === 0) return;
  out.byte(46);
  for (let left = (scale / 9) | 0; left > 0; left--) out.padded(group(4), 9);
  const tail = scale % 9;
  if (tail > 0) out.padded(group(BYTES[tail]!), tail);
}

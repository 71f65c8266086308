/** Which bytes may stand where, and which characters nowhere. */
import { isAscii, isUtf8 } from 'node:buffer';

/** By byte: 0 for one that a scan passes. White space passes, other control characters never do. */
function stops(...signs: string[]): Uint8Array {
  const table = new Uint8Array(256);
  for (let b = 0; b < 0x20; b++) if (b !== 0x09 && b !== 0x0a && b !== 0x0d) table[b] = 1;
  for (const sign of signs) table[sign.charCodeAt(0)] = 1;
  return table;
}

export const TEXT_STOPS = stops('<', '&', ']');
export const COMMENT_STOPS = stops('-');
export const CDATA_STOPS = stops(']');
export const INSTRUCTION_STOPS = stops('?');
/** Here white space stops, too: but for the blank it is not what it says. */
export const ATTRIBUTE_STOPS = stops('<', '&', '"', "'", '\t', '\n', '\r');

/** U+FFFE and U+FFFF begin so in UTF-8. */
const NONCHARACTER = Buffer.from([0xef, 0xbf]);

/** The first byte of what is not valid UTF-8, or is a character that no XML document has; -1 for none. Control characters are not looked for. */
export function firstIllegal(bytes: Buffer, from: number, to: number): number {
  const part = bytes.subarray(from, to);
  if (isAscii(part)) return -1;
  const invalid = isUtf8(part) ? -1 : from + firstInvalid(part);
  const end = invalid < 0 ? to : invalid;
  for (let i = bytes.indexOf(NONCHARACTER, from); i >= 0 && i + 2 < end; i = bytes.indexOf(NONCHARACTER, i + 2))
    if (bytes[i + 2]! >= 0xbe) return i;
  return invalid;
}

function firstInvalid(bytes: Uint8Array): number {
  let i = 0;
  while (i < bytes.length) {
    const next = i + characterLength(bytes[i]!);
    if (next > bytes.length || !isUtf8(bytes.subarray(i, next))) return i;
    i = next;
  }
  return i;
}

/** The end of the last whole character before `to`. */
export function wholeCharacters(bytes: Uint8Array, from: number, to: number): number {
  for (let p = to - 1; p >= from && p >= to - 3; p--) {
    const b = bytes[p]!;
    if (b >= 0xc0) return p + characterLength(b) > to ? p : to;
    if (b < 0x80) break;
  }
  return to;
}

/** 1 for a byte that leads no character. */
function characterLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

/** The first character that XML 1.1 takes for a line end, or forbids, where XML 1.0 does not; -1 for none. */
export function firstOfXml11(bytes: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) {
    const b = bytes[i]!;
    if (b === 0x7f || (b === 0xc2 && bytes[i + 1]! < 0xa0)) return i;
    if (b === 0xe2 && bytes[i + 1] === 0x80 && bytes[i + 2] === 0xa8) return i;
  }
  return -1;
}

export function shownByte(b: number): string {
  return `U+${b.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Headers of tar archives: v7, ustar, GNU and pax (POSIX.1-2017, pax). Pure. */

export const BLOCK_BYTES = 512;

export interface Header {
  path: string;
  /** One character; '0' for a plain file, '5' for a folder. */
  type: string;
  bytes: number;
}

/** What is wrong with a header, as a clause. */
export class HeaderError extends Error {}

/** Reads one block of 512 bytes. Throws `HeaderError`. */
export function parseHeader(block: Buffer): Header {
  if (!checksumMatches(block)) throw new HeaderError('the checksum of a header does not match');
  const name = text(block, 0, 100);
  // GNU's older format keeps other things in the place of the prefix.
  const hasPrefix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = hasPrefix ? text(block, 345, 155) : '';
  const path = prefix ? `${prefix}/${name}` : name;
  const flag = String.fromCharCode(block[156]!);
  // A plain file is NUL in v7, '7' on some systems.
  const type = flag === '\0' || flag === '7' ? '0' : flag;
  return { path, type, bytes: number(block, 124, 12) };
}

/** The checksum counts its own field as spaces. Some old programs summed signed bytes. */
function checksumMatches(block: Buffer): boolean {
  let unsigned = 8 * 0x20;
  let signed = unsigned;
  for (const [i, byte] of block.entries()) {
    if (i >= 148 && i < 156) continue;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  const stored = Number.parseInt(text(block, 148, 8).trim(), 8);
  return stored === unsigned || stored === signed;
}

/** Octal digits, or for large values GNU's base 256, told by the first bit. */
function number(block: Buffer, offset: number, length: number): number {
  const field = block.subarray(offset, offset + length);
  if (field[0]! & 0x80) {
    const value = field.reduce((sum, byte, i) => sum * 256 + (i === 0 ? byte & 0x7f : byte), 0);
    if (Number.isSafeInteger(value)) return value;
    throw new HeaderError('an entry declares an impossible size');
  }
  const digits = text(field, 0, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw new HeaderError('an entry declares a size that is no number');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function text(block: Buffer, offset: number, length: number): string {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return decodeText(end < 0 ? field : field.subarray(0, end));
}

/** UTF-8 as all present tools write; Latin-1 where it is not that. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}

/** The records `length key=value\n` of a pax header, the last of a key winning. Throws `HeaderError`. */
export function parsePax(body: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const length = space < 0 ? Number.NaN : Number(body.toString('latin1', at, space));
    const equals = body.indexOf(0x3d, space);
    const end = at + length;
    if (!Number.isSafeInteger(length) || end > body.length || equals < 0 || equals >= end || body[end - 1] !== 0x0a)
      throw new HeaderError('an extended header cannot be read');
    records.set(decodeText(body.subarray(space + 1, equals)), decodeText(body.subarray(equals + 1, end - 1)));
    at = end;
  }
  return records;
}

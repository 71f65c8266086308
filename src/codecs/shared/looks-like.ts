/** Tells what data is by its first bytes, for error messages. Never used to decide how to read it. */

const MAGIC: readonly [offset: number, hex: string, what: string][] = [
  [0, '1f8b', 'gzip data'],
  [0, '504b0304', 'a zip archive'],
  [0, '504b0506', 'an empty zip archive'],
  [0, '425a68', 'bzip2 data'],
  [0, '28b52ffd', 'zstd data'],
  [0, 'fd377a585a00', 'xz data'],
  [0, '377abcaf271c', 'a 7z archive'],
  [0, '526172211a07', 'a rar archive'],
  [0, '04224d18', 'lz4 data'],
  [0, '50415231', 'a Parquet file'],
  [0, '255044462d', 'a PDF document'],
  [0, 'd0cf11e0a1b11ae1', 'an old Microsoft Office document'],
  [0, 'fffe', 'UTF-16 text'],
  [0, 'feff', 'UTF-16 text'],
  [257, '7573746172', 'a tar archive'],
];

/** How many leading bytes `looksLike` makes use of. */
export const LOOKS_LIKE_BYTES = 512;

/** A noun phrase such as `a zip archive` or `plain text`; undefined when it could be anything. */
export function looksLike(head: Uint8Array): string | undefined {
  if (head.length === 0) return 'an empty file';
  const bytes = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, LOOKS_LIKE_BYTES));
  for (const [offset, hex, what] of MAGIC) {
    if (bytes.subarray(offset, offset + hex.length / 2).toString('hex') === hex) return what;
  }
  if (bytes.every((byte) => byte === 0)) return 'nothing but zero bytes';
  const text = bytes.toString('latin1');
  if (text.startsWith('-----BEGIN PGP')) return 'an armored OpenPGP message';
  if (/[\x00-\x08\x0e-\x1f]/.test(text)) return undefined;
  if (/^\s*(<!doctype html|<html)/i.test(text)) return 'a web page';
  if (/^\s*<\?xml/.test(text)) return 'an XML document';
  return 'plain text';
}

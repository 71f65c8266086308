/** The wrappings in which files come: Windows-1252 text, gzip, zip. The same bytes each time. */
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';

/** Characters of Windows-1252 that Latin-1 lacks, as far as the demo uses them. */
const WINDOWS_1252: Record<string, number> = { '€': 0x80, '„': 0x84, '“': 0x93, '”': 0x94, '–': 0x96 };

export function windows1252(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  for (const m of text.matchAll(/[^\0-\xff]/g)) {
    const byte = WINDOWS_1252[m[0]];
    if (byte === undefined) throw new RangeError(`"${m[0]}" is not among the demo's Windows-1252 characters`);
    bytes[m.index] = byte;
  }
  return bytes;
}

export function gzip(bytes: Uint8Array): Buffer {
  return gzipSync(bytes);
}

/** 1 November 2026, midnight, in the form of MS-DOS. */
const DOS_TIME = 0;
const DOS_DATE = ((2026 - 1980) << 9) | (11 << 5) | 1;
const DEFLATED = 8;
const UTF8_NAMES = 0x800;

/** A zip archive of the given files, in their order. */
export function zip(files: readonly { name: string; bytes: Uint8Array }[]): Buffer {
  const body: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const packed = deflateRawSync(bytes);
    const path = Buffer.from(name);
    const about = Buffer.alloc(26);
    about.writeUInt16LE(20, 0);
    about.writeUInt16LE(UTF8_NAMES, 2);
    about.writeUInt16LE(DEFLATED, 4);
    about.writeUInt16LE(DOS_TIME, 6);
    about.writeUInt16LE(DOS_DATE, 8);
    about.writeUInt32LE(crc32(bytes), 10);
    about.writeUInt32LE(packed.length, 14);
    about.writeUInt32LE(bytes.length, 18);
    about.writeUInt16LE(path.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\0', 'latin1'), about, place, path);
    const entry = [Buffer.from('PK\x03\x04', 'latin1'), about, path, packed];
    body.push(...entry);
    offset += entry.reduce((n, b) => n + b.length, 0);
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...body, listing, end]);
}

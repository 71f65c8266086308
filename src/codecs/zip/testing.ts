/** Writes zip archives for tests, honest ones and such as no tool would make. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface TestEntry {
  name: string;
  content: Uint8Array;
  /** 8 (deflate) unless given. */
  method?: number;
  flags?: number;
  /** Unix mode, with the file's type. */
  mode?: number;
  /** What the directory says instead of the truth. */
  declaredBytes?: number;
  declaredCrc?: number;
  declaredCompressedBytes?: number;
  /** Offset of the local header instead of the true one. */
  declaredOffset?: number;
}

/** Every entry followed by a data descriptor, as tools write them that stream. */
export function makeZip(entries: readonly TestEntry[], declaredCount = entries.length): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const method = entry.method ?? 8;
    const data = method === 8 ? deflateRawSync(entry.content) : Buffer.from(entry.content);
    const facts = {
      method,
      flags: (entry.flags ?? 0) | 0x0808,
      crc: entry.declaredCrc ?? crc32(entry.content),
      compressed: entry.declaredCompressedBytes ?? data.length,
      bytes: entry.declaredBytes ?? entry.content.length,
    };
    const local = Buffer.concat([localHeader(name, facts), data, descriptor(facts)]);
    directory.push(directoryRecord(name, facts, entry.mode ?? 0o100644, entry.declaredOffset ?? offset));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(declaredCount, 8);
  end.writeUInt16LE(declaredCount, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

interface Facts {
  method: number;
  flags: number;
  crc: number;
  compressed: number;
  bytes: number;
}

function localHeader(name: Buffer, facts: Facts): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(facts.flags, 6);
  header.writeUInt16LE(facts.method, 8);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

function descriptor(facts: Facts): Buffer {
  const record = Buffer.alloc(16);
  record.writeUInt32LE(0x08074b50, 0);
  record.writeUInt32LE(facts.crc, 4);
  record.writeUInt32LE(facts.compressed, 8);
  record.writeUInt32LE(facts.bytes, 12);
  return record;
}

function directoryRecord(name: Buffer, facts: Facts, mode: number, offset: number): Buffer {
  const record = Buffer.alloc(46);
  record.writeUInt32LE(0x02014b50, 0);
  record.writeUInt16LE((3 << 8) | 20, 4);
  record.writeUInt16LE(20, 6);
  record.writeUInt16LE(facts.flags, 8);
  record.writeUInt16LE(facts.method, 10);
  record.writeUInt32LE(facts.crc, 16);
  record.writeUInt32LE(facts.compressed, 20);
  record.writeUInt32LE(facts.bytes, 24);
  record.writeUInt16LE(name.length, 28);
  record.writeUInt32LE((mode << 16) >>> 0, 38);
  record.writeUInt32LE(offset, 42);
  return Buffer.concat([record, name]);
}

/** CRC-32 of events: the last four bytes of each, unless `binlog_checksum` is NONE. */
import { crc32 } from 'node:zlib';

export function checksumFits(buffer: Buffer, start: number, end: number): boolean {
  return crc32(buffer.subarray(start, end - 4)) === buffer.readUInt32LE(end - 4);
}

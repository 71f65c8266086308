/**
 * MySQL's compressed transactions (`binlog_transaction_compression`): one event with all others of the transaction in it.
 * Format: `libs/mysql/binlog/event/codecs/binary.cc` of the server.
 */
import { zstdDecompressSync } from 'node:zlib';
import { GranaryError } from '../../../lib/errors.ts';
import { type BinlogEvent, Cursor, HEADER } from './events.ts';

const FIELD = { end: 0, compression: 2, size: 3 } as const;
const ZSTD = 0;
const NONE = 255;
/** Larger than any transaction that a server can send, which is at most 1 GiB compressed. */
const LARGEST = 4 * 2 ** 30;

/** The events in it, without checksums. Where the next one begins in the file is told of the whole. */
export function* eventsOf({ buffer, start, end, next }: BinlogEvent): Generator<BinlogEvent> {
  const at = new Cursor(buffer, start + HEADER);
  let compression = NONE;
  let size = 0;
  for (let field = at.length(); field !== FIELD.end; field = at.length()) {
    const stop = at.length() + at.p;
    if (field === FIELD.compression) compression = at.length();
    else if (field === FIELD.size) size = at.length();
    at.p = stop;
  }
  const bytes = decompressed(buffer.subarray(at.p, end), compression, size);
  for (let p = 0; p < bytes.length; ) {
    const length = bytes.readUInt32LE(p + 9);
    if (length < HEADER || p + length > bytes.length) throw damaged();
    yield {
      buffer: bytes,
      start: p,
      end: p + length,
      type: bytes[p + 4]!,
      timestamp: bytes.readUInt32LE(p),
      serverId: bytes.readUInt32LE(p + 5),
      next,
    };
    p += length;
  }
}

function decompressed(bytes: Buffer, compression: number, size: number): Buffer {
  if (compression === NONE) return bytes;
  if (compression !== ZSTD || size > LARGEST)
    throw new GranaryError('connector.protocol', `The binary log is compressed in an unknown way (${compression}).`);
  try {
    const out = zstdDecompressSync(bytes, { maxOutputLength: size });
    if (out.length === size) return out;
  } catch (e) {
    throw damaged(e);
  }
  throw damaged();
}

const damaged = (cause?: unknown) =>
  new GranaryError('connector.protocol', 'A compressed transaction of the binary log is damaged.', {
    transient: true,
    cause,
  });

/** Reading a remote file with many requests under way, delivered in order. */
import type { SftpSession } from './session.ts';

/** The largest read that common servers answer in full. */
const READ_BYTES = 255 * 1024;
/** Reads under way: 16 MB hide a latency of 100 ms at 1 Gbit/s. */
const WINDOW = 64;

/**
 * The bytes of an open file from `offset` to `size`, in chunks whose memory is reused. No further requests are sent while the caller
 * does not ask. Ends early when the file turns out shorter.
 */
export async function* pipelined(
  session: SftpSession,
  handle: Buffer,
  file: { path: string; offset: number; size: number },
): AsyncGenerator<Uint8Array> {
  const underWay: Promise<Buffer>[] = [];
  const free: Buffer[] = [];
  let next = file.offset;
  for (;;) {
    for (; underWay.length < WINDOW && next < file.size; next += READ_BYTES) {
      const length = Math.min(READ_BYTES, file.size - next);
      const chunk = readFully(
        session,
        handle,
        file.path,
        next,
        length,
        free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES),
      );
      // A failure is reported when its turn comes; until then it is not an unhandled one.
      chunk.catch(() => undefined);
      underWay.push(chunk);
    }
    const chunk = await underWay.shift();
    if (chunk === undefined) return;
    yield chunk;
    free.push(Buffer.from(chunk.buffer));
  }
}

/** Servers may answer with less than was asked for: the rest is asked for again, until it is there or the file ends. */
async function readFully(
  session: SftpSession,
  handle: Buffer,
  path: string,
  position: number,
  length: number,
  into: Buffer,
): Promise<Buffer> {
  let filled = 0;
  while (filled < length) {
    const [at, missing] = [filled, length - filled];
    const got = await session.call<number>(path, `reading "${path}"`, (done) =>
      session.sftp.read(handle, into, at, missing, position + at, done),
    );
    if (got === 0) break;
    filled += got;
  }
  return into.subarray(0, filled);
}

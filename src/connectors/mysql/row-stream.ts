/**
 * Rows of a query as bytes of landed CSV, straight from the packets of the text protocol: no string and no object is made for a row. The driver does framing,
 * authentication and TLS; its `row` step is replaced, which is not in its documented interface: its version is pinned.
 * Protocol: https://mariadb.com/kb/en/result-set-packets/#resultset-row
 */
import type { Connection } from 'mysql2';
import { GranaryError } from '../../lib/errors.ts';
import { cancelled } from '../lib/faults.ts';
import type { RowSink } from '../lib/sql/database.ts';

export const SILENT = (): Error => new Error('the server says nothing');

/** The parts of the driver that are used beneath its interface. */
interface Packet {
  buffer: Buffer;
  offset: number;
  end: number;
}
type Step = ((packet: Packet, connection: unknown) => Step) | null;
interface RowCommand {
  row: Step;
  on(event: string, listener: (arg: never) => void): unknown;
}
export interface RawConnection extends Omit<Connection, 'query'> {
  query(options: { sql: string }): unknown;
  stream: import('node:net').Socket;
}

const FLUSH_BYTES = 1 << 20;
const SPARE_BYTES = 1 << 18;
const KEPT_BYTES = 8 << 20;
const [QUOTE, COMMA, LF, CR, BACKSLASH, N] = [34, 44, 10, 13, 92, 78];
/** First byte of a NULL, and of the packet after the last row. */
const NULL_MARK = 0xfb;
const END_MARK = 0xfe;

/** Bytes that make quotes necessary. */
const SPECIAL = new Uint8Array(256);
for (const b of [0, QUOTE, COMMA, LF, CR, BACKSLASH]) SPECIAL[b] = 1;

/**
 * Runs a query and writes its rows to `out`. Returns how many came. `silence`: milliseconds without a byte from the server, while it is not held up, after which
 * the connection counts as broken. Errors: those of the driver, `cancelled`; the connection is of no use after them, unless they are the server's.
 */
export function streamRows(connection: RawConnection, sql: string, out: RowSink, silence: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connection.stream;
    const lines = new LineBuffers();
    let ended = false;
    let settled = false;
    let writing: Promise<void> | undefined;
    let total = 0;

    const settle = (error: unknown) => {
      if (settled) return;
      settled = true;
      connection.off('error', settle);
      out.signal?.removeEventListener('abort', onAbort);
      socket.setTimeout(0).off('timeout', onSilence);
      if (socket.isPaused()) socket.resume();
      if (error) reject(error);
      else resolve(total);
    };
    const fail = (error: unknown) => {
      if (settled) return;
      settle(error);
      connection.destroy();
    };
    const onAbort = () => fail(cancelled('reading rows'));
    const onSilence = () => {
      if (!socket.isPaused()) fail(SILENT());
    };
    /** Hands over what is there; while that is being written, one more buffer is filled, and then the server has to wait. */
    const turn = () => {
      if (settled) return;
      if (writing) {
        if (lines.filled >= FLUSH_BYTES && !socket.isPaused()) socket.pause();
        return;
      }
      const { bytes, rows } = lines.take();
      writing = out.write(bytes, rows).then(() => {
        writing = undefined;
        lines.giveBack();
        if (lines.filled >= FLUSH_BYTES || (ended && lines.filled > 0)) turn();
        else if (ended) settle(undefined);
        if (socket.isPaused() && lines.filled < FLUSH_BYTES) socket.resume();
      }, fail);
    };

    if (out.signal?.aborted) return onAbort();
    out.signal?.addEventListener('abort', onAbort);
    connection.on('error', settle);
    socket.setTimeout(silence).on('timeout', onSilence);
    const query = connection.query({ sql }) as RowCommand;
    const last = Object.getPrototypeOf(query).row as NonNullable<Step>;
    let columns = 0;
    query.on('fields', (fields: unknown[]) => {
      columns = fields.length;
    });
    query.on('error', settle);
    query.on('end', () => {
      ended = true;
      if (settled || writing) return;
      if (lines.filled > 0) turn();
      else settle(undefined);
    });
    const row = function (this: unknown, packet: Packet, raw: unknown): Step {
      const isLast = packet.buffer[packet.offset] === END_MARK && packet.end - packet.offset < 9;
      if (isLast) return last.call(this, packet, raw);
      try {
        lines.row(packet.buffer, packet.offset, packet.end, columns);
        total++;
        if (lines.filled >= FLUSH_BYTES) turn();
      } catch (e) {
        fail(e);
      }
      return row;
    };
    query.row = row;
  });
}

/** Two buffers: one that is being filled, and one that is being written. */
class LineBuffers {
  /** Bytes in the buffer that is being filled. */
  filled = 0;
  #rows = 0;
  #buffer: Buffer = Buffer.allocUnsafeSlow(FLUSH_BYTES + SPARE_BYTES);
  #spare: Buffer | undefined;
  #taken: Buffer | undefined;

  take(): { bytes: Uint8Array; rows: number } {
    const taken = { bytes: this.#buffer.subarray(0, this.filled), rows: this.#rows };
    this.#taken = this.#buffer;
    this.#buffer = this.#spare ?? Buffer.allocUnsafeSlow(FLUSH_BYTES + SPARE_BYTES);
    this.#spare = undefined;
    this.filled = 0;
    this.#rows = 0;
    return taken;
  }

  giveBack(): void {
    if (this.#taken!.length <= KEPT_BYTES) this.#spare = this.#taken;
    this.#taken = undefined;
  }

  /** A row: each value with its length before it. Values are at most doubled, by quotes within, and get two around them and a comma. */
  row(from: Buffer, start: number, end: number, columns: number): void {
    const needed = this.filled + (end - start) * 2 + columns * 4 + 1;
    if (needed > this.#buffer.length) this.#grow(needed);
    const to = this.#buffer;
    let n = this.filled;
    let p = start;
    for (let i = 0; i < columns; i++) {
      if (i > 0) to[n++] = COMMA!;
      let length = from[p++]!;
      if (length === NULL_MARK) {
        to[n++] = BACKSLASH!;
        to[n++] = N!;
        continue;
      }
      if (length > NULL_MARK) {
        const bytes = length === 0xfc ? 2 : length === 0xfd ? 3 : 8;
        length = bytes === 8 ? Number(from.readBigUInt64LE(p)) : from.readUIntLE(p, bytes);
        p += bytes;
      }
      const stop = p + length;
      if (stop > end) throw new GranaryError('connector.protocol', 'The server sent a row that ends too early.');
      const begin = n;
      let k = p;
      while (k < stop) {
        const b = from[k]!;
        if (SPECIAL[b] === 1) break;
        to[n++] = b;
        k++;
      }
      if (k < stop || length === 0) {
        n = begin;
        to[n++] = QUOTE!;
        for (k = p; k < stop; k++) {
          const b = from[k]!;
          if (b === QUOTE) to[n++] = QUOTE!;
          to[n++] = b;
        }
        to[n++] = QUOTE!;
      }
      p = stop;
    }
    if (p !== end)
      throw new GranaryError('connector.protocol', 'The server sent a row with more columns than it said.');
    to[n++] = LF!;
    this.filled = n;
    this.#rows++;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.filled);
    this.#buffer = larger;
  }
}

/**
 * Asks a server for its binary log, as a replica does, and hands on the events. The driver does framing, authentication and TLS; the command is our own.
 * Protocol: https://mariadb.com/kb/en/com_register_slave/, https://mariadb.com/kb/en/com_binlog_dump/, and `com_binlog_dump_gtid` in
 * `sql/rpl_source.cc` of MySQL.
 */
import { EventEmitter } from 'node:events';
import { GranaryError } from '../../../lib/errors.ts';
import { cancelled } from '../../lib/faults.ts';
import { ask } from '../connect.ts';
import { type RawConnection, SILENT } from '../row-stream.ts';
import { checksumFits } from './checksum.ts';
import { type BinlogEvent, EVENT, HEADER } from './events.ts';
import { type Gtids, MariaDbGtids, MysqlGtids } from './gtids.ts';

const REGISTER = 0x15;
const DUMP = 0x12;
const DUMP_GTID = 0x1e;
/** Of MySQL: what follows is a list of transactions. */
const THROUGH_GTID = 4;
/** Where the first event of a file begins. */
const FIRST = 4;
/** The server says that it has sent everything, instead of waiting for more. */
const NON_BLOCK = 1;
const OK = 0;
const END = 0xfe;

/** Parts of the driver beneath its interface. */
interface Packet {
  buffer: Buffer;
  offset: number;
  end: number;
  isError(): boolean;
  asError(encoding: string): Error;
}
interface Driver {
  addCommand(command: Command): void;
  writePacket(packet: unknown): void;
  _resetSequenceId(): void;
}

/** One request and what comes back: `onPacket` says whether that was the last packet. */
class Command extends EventEmitter {
  readonly #request: Buffer;
  readonly #onPacket: (packet: Packet) => boolean;
  readonly #settle: (error: unknown) => void;
  #isSent = false;
  /** Called by the driver when the connection breaks. */
  readonly onResult: (error: unknown) => void;

  constructor(request: Buffer, onPacket: (packet: Packet) => boolean, settle: (error: unknown) => void) {
    super();
    this.#request = request;
    this.#onPacket = onPacket;
    this.#settle = settle;
    this.onResult = settle;
  }

  execute(packet: Packet | undefined, connection: Driver): boolean {
    if (!this.#isSent) {
      this.#isSent = true;
      connection._resetSequenceId();
      connection.writePacket(framed(this.#request));
      return false;
    }
    if (packet?.isError()) {
      this.#settle(packet.asError('utf8'));
      return true;
    }
    try {
      if (!this.#onPacket(packet!)) return false;
      this.#settle(undefined);
    } catch (e) {
      this.#settle(e);
    }
    return true;
  }
}

/** What the driver wants of a packet that it writes. */
function framed(payload: Buffer) {
  const buffer = Buffer.concat([Buffer.alloc(4), payload]);
  return {
    buffer,
    length: () => payload.length,
    writeHeader(sequence: number) {
      buffer.writeUIntLE(payload.length, 0, 3);
      buffer[3] = sequence;
    },
  };
}

/** `silence`: milliseconds without a byte from the server, while it is not held up, after which the connection counts as broken. */
function perform(
  connection: RawConnection,
  request: Buffer,
  silence: number,
  onPacket: (packet: Packet) => boolean,
): Promise<void> {
  const socket = connection.stream;
  return new Promise((resolve, reject) => {
    const onSilence = () => {
      if (!socket.isPaused()) socket.destroy(SILENT());
    };
    const settle = (error: unknown) => {
      connection.off('error', settle);
      socket.setTimeout(0).off('timeout', onSilence);
      if (error) reject(error);
      else resolve();
    };
    connection.on('error', settle);
    socket.setTimeout(silence).on('timeout', onSilence);
    (connection as unknown as Driver).addCommand(new Command(request, onPacket, settle));
  });
}

/** Tells the server who reads its log; it shows among its replicas. Error: number 1227 without the privilege REPLICATION SLAVE. */
export function register(connection: RawConnection, serverId: number, silence: number): Promise<void> {
  const host = Buffer.from('granary');
  const request = Buffer.alloc(1 + 4 + 1 + host.length + 1 + 1 + 2 + 4 + 4);
  request[0] = REGISTER;
  request.writeUInt32LE(serverId, 1);
  request[5] = host.length;
  host.copy(request, 6);
  return perform(connection, request, silence, () => true);
}

export type From = { file: string; pos: number } | { gtids: Gtids };

export interface DumpOptions {
  serverId: number;
  from: From;
  /** Milliseconds without a byte from the server, while it is not held up, after which the connection counts as broken. */
  silence: number;
  signal: AbortSignal | undefined;
}

/** What reads along: it may hold the server up, and it says when it has enough. */
export interface EventSink {
  /** Called for one event after the other, not waited for. True: that was enough. */
  event(event: BinlogEvent): boolean;
  /** When it is not undefined, the server waits for it. */
  waits(): Promise<void> | undefined;
}

/**
 * Reads to the end of the log, or until the sink has enough. The connection is of no use afterwards. Errors: those of the driver; 1236 when
 * the server has not got the place; `connector.protocol`, transient, for a checksum that does not fit.
 */
export async function dump(connection: RawConnection, options: DumpOptions, sink: EventSink): Promise<void> {
  const { from, serverId, silence, signal } = options;
  await ask(connection, `SET @mariadb_slave_capability = 4, @master_binlog_checksum = @@GLOBAL.binlog_checksum`);
  const list = 'gtids' in from && from.gtids instanceof MariaDbGtids ? `'${from.gtids.text}'` : 'NULL';
  await ask(connection, `SET @slave_connect_state = ${list}, @slave_gtid_strict_mode = 1`);
  const [[checksum] = []] = await ask(connection, 'SELECT @master_binlog_checksum');
  // Each file of the log says for itself; this is for what comes before the first.
  const reading: Reading = { hasChecksum: checksum !== 'NONE' && checksum !== '0' };
  const request = requestOf(from, serverId);

  const socket = connection.stream;
  const event: BinlogEvent = { buffer: request, start: 0, end: 0, type: 0, timestamp: 0, serverId: 0, next: 0 };
  let waiting: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;
  let enough = false;
  let ended = false;
  const stop = (error: unknown) => {
    failure ??= { error };
    hangUp(connection);
  };
  const onAbort = () => stop(cancelled('reading the binary log'));
  const hold = () => {
    if (waiting) return;
    waiting = sink.waits();
    if (!waiting) return;
    socket.pause();
    waiting.then(() => {
      waiting = undefined;
      hold();
      if (!waiting && socket.isPaused()) socket.resume();
    }, stop);
  };
  const onPacket = (packet: Packet): boolean => {
    // What came in the same piece of the stream as the last that was wanted.
    if (failure || enough) return false;
    const { buffer, offset, end } = packet;
    if (buffer[offset] === END && end - offset < 9) {
      ended = true;
      return true;
    }
    if (buffer[offset] !== OK) throw unexpected();
    if (readHeader(event, buffer, offset + 1, end, reading)) enough = sink.event(event);
    hold();
    if (enough) hangUp(connection);
    return false;
  };
  if (signal?.aborted) throw cancelled('reading the binary log');
  signal?.addEventListener('abort', onAbort);
  const closed = new Promise<void>((done) => socket.once('close', () => done()));
  try {
    await Promise.race([perform(connection, request, silence, onPacket), closed]);
    if (failure) throw failure.error;
    if (!ended && !enough) throw Object.assign(new Error('the server closed the connection'), { code: 'ECONNRESET' });
    while (waiting) await waiting;
  } catch (e) {
    throw failure ? failure.error : e;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    hangUp(connection);
  }
}

function requestOf(from: From, serverId: number): Buffer {
  if ('gtids' in from && from.gtids instanceof MysqlGtids) return requestByGtid(from.gtids, serverId);
  const file = Buffer.from('file' in from ? from.file : '');
  const request = Buffer.alloc(11 + file.length);
  request[0] = DUMP;
  request.writeUInt32LE('file' in from ? from.pos : FIRST, 1);
  request.writeUInt16LE(NON_BLOCK, 5);
  request.writeUInt32LE(serverId, 7);
  file.copy(request, 11);
  return request;
}

/** Everything that is not in the list, whatever file it is in. */
function requestByGtid(gtids: MysqlGtids, serverId: number): Buffer {
  const list = gtids.encode();
  const request = Buffer.alloc(23 + list.length);
  request[0] = DUMP_GTID;
  request.writeUInt16LE(NON_BLOCK | THROUGH_GTID, 1);
  request.writeUInt32LE(serverId, 3);
  // No name of a file, and the position after the head of any.
  request.writeUInt32LE(0, 7);
  request.writeBigUInt64LE(BigInt(FIRST), 11);
  request.writeUInt32LE(list.length, 19);
  list.copy(request, 23);
  return request;
}

/** The driver alone would wait until the server has sent everything. */
function hangUp(connection: RawConnection): void {
  connection.destroy();
  connection.stream.destroy();
}

const unexpected = () =>
  new GranaryError('connector.protocol', 'The server sent something else than events of its log.', { transient: true });

interface Reading {
  hasChecksum: boolean;
}

/** Fills in `event`; false for what the server only sends to be heard of. */
function readHeader(event: BinlogEvent, buffer: Buffer, start: number, end: number, reading: Reading): boolean {
  if (end - start < HEADER) throw unexpected();
  event.type = buffer[start + 4]!;
  if (event.type === EVENT.heartbeat || event.type === EVENT.laterHeartbeat) return false;
  const isNewFile = event.type === EVENT.formatDescription;
  // The event with which a file begins has room for a checksum in any case, and before it which kind the file has.
  if (isNewFile) reading.hasChecksum = buffer[end - 5] === 1;
  if (reading.hasChecksum && !checksumFits(buffer, start, end)) {
    throw new GranaryError('connector.protocol', 'An event of the binary log was damaged: its checksum does not fit.', {
      transient: true,
      hint: 'It is read again. If it stays: check the disk of the server with mariadb-binlog --verify-binlog-checksum.',
    });
  }
  event.buffer = buffer;
  event.start = start;
  event.end = reading.hasChecksum || isNewFile ? end - 4 : end;
  event.timestamp = buffer.readUInt32LE(start);
  event.serverId = buffer.readUInt32LE(start + 5);
  event.next = buffer.readUInt32LE(start + 13);
  return true;
}

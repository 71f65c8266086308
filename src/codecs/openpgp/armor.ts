/** ASCII armor (RFC 9580, 6): base64 between BEGIN and END lines, with a checksum. Binary data passes through. */
import { ByteReader } from '../shared/byte-reader.ts';
import { corrupt, notInFormat, truncated } from '../shared/faults.ts';
import { Crc24 } from './crc24.ts';
import { Malformed } from './faults.ts';
import { PIECE_BYTES } from './layer.ts';

/** Text before the BEGIN line, the line itself and the headers together are at most this long. */
const MAX_HEAD_BYTES = 2 ** 16;
/** Padding, checksum and END line with the white space around them are at most this long. */
const MAX_TAIL_BYTES = 1024;
/** The lines from behind the BEGIN line to the empty one. */
const HEADERS = /^(?:[^\r\n:]+:[^\r\n]*\r?\n)*[ \t]*\r?\n/;
const CUT_HEADERS = /^(?:[^\r\n:]+:[^\r\n]*\r?\n)*[^\r\n]*\r?$/;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * The binary message in a file that holds it as it is or armored. The reader stands at its start. What follows the END line is
 * not read. Throws `codec.truncated` and `codec.corrupt`, the latter also for a checksum that does not match.
 */
export async function* unarmored(reader: ByteReader, name: string): AsyncGenerator<Buffer> {
  const start = await reader.peek(3);
  if (start.length > 0 && start[0]! & 0x80 && !start.equals(BYTE_ORDER_MARK)) {
    for (let chunk = await reader.chunk(); chunk; chunk = await reader.chunk()) yield chunk;
    return;
  }
  await skipHead(reader, name);
  yield* decodeArmor(reader, name);
}

/** The packets of every key block in a text or, when there is none, the data as it is. Throws `Malformed`. */
export async function unarmoredKeys(data: Buffer): Promise<Buffer> {
  const blocks = data
    .toString('latin1')
    .match(/-----BEGIN PGP (\w+) KEY BLOCK-----.*?-----END PGP \1 KEY BLOCK-----/gs);
  if (!blocks) {
    if (data.length > 0 && data[0]! & 0x80) return data;
    throw new Malformed('there is no OpenPGP key block in it');
  }
  const keys: Buffer[] = [];
  for (const block of blocks) {
    const body = block.slice(block.indexOf('\n') + 1).replace(HEADERS, '');
    const reader = new ByteReader(single(Buffer.from(body, 'latin1')));
    for await (const chunk of decodeArmor(reader, 'key block')) keys.push(chunk);
  }
  return Buffer.concat(keys);
}

async function* single(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** Goes behind the empty line that ends the armor's headers. */
async function skipHead(reader: ByteReader, name: string): Promise<void> {
  const bytes = await reader.peek(MAX_HEAD_BYTES);
  const text = bytes.toString('latin1');
  const begin = /(?:^|\n|\xef\xbb\xbf)-----BEGIN PGP ([A-Z0-9,/ ]+)-----[ \t]*\r?\n/.exec(text);
  if (!begin) {
    if (bytes.length > 0 && '-----BEGIN PGP MESSAGE-----'.startsWith(text.trim())) throw truncated(name, 'OpenPGP');
    throw notInFormat(name, 'OpenPGP', bytes);
  }
  if (begin[1] !== 'MESSAGE')
    throw corrupt(name, `it holds an OpenPGP ${begin[1]!.toLowerCase()} where a message is expected`);
  const from = begin.index + begin[0].length;
  const head = HEADERS.exec(text.slice(from));
  if (!head && CUT_HEADERS.test(text.slice(from))) throw truncated(name, 'OpenPGP');
  if (!head) throw corrupt(name, 'no empty line ends the headers of its OpenPGP armor');
  await reader.read(from + head[0].length);
}

/** What a byte of the armor's body is. */
const DATA = 0;
const SPACE = 1;
/** `=` or `-`: the data is over. */
const TAIL = 2;
const FOREIGN = 3;

function byteKinds(): Uint8Array {
  const kinds = new Uint8Array(256).fill(FOREIGN);
  for (const byte of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'))
    kinds[byte] = DATA;
  for (const byte of Buffer.from(' \t\r\n')) kinds[byte] = SPACE;
  for (const byte of Buffer.from('=-')) kinds[byte] = TAIL;
  return kinds;
}

/** From behind the headers to the END line. */
async function* decodeArmor(reader: ByteReader, name: string): AsyncGenerator<Buffer> {
  const kinds = byteKinds();
  const crc = new Crc24();
  const digits = Buffer.allocUnsafe(PIECE_BYTES + 4);
  // Digits that do not make a whole group of four yet.
  let left: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = await reader.chunk(PIECE_BYTES);
    if (!chunk) throw truncated(name, 'OpenPGP');
    let filled = left.copy(digits);
    let at = 0;
    for (; at < chunk.length; at++) {
      const byte = chunk[at]!;
      const kind = kinds[byte];
      if (kind === DATA) digits[filled++] = byte;
      else if (kind === TAIL) break;
      else if (kind === FOREIGN) throw corrupt(name, 'its OpenPGP armor holds a character that is not base64');
    }
    const ended = at < chunk.length;
    const whole = filled - (filled % 4);
    left = Buffer.from(digits.subarray(whole, filled));
    const bytes = Buffer.from(digits.toString('latin1', 0, whole), 'base64');
    crc.update(bytes);
    if (bytes.length > 0) yield bytes;
    if (!ended) continue;
    reader.unread(chunk.subarray(at));
    const last = await readTail(reader, name, left, crc);
    if (last.length > 0) yield last;
    return;
  }
}

/** Reads padding, checksum and END line; returns the bytes of the last, incomplete group. */
async function readTail(reader: ByteReader, name: string, left: Buffer, crc: Crc24): Promise<Buffer> {
  const text = (await reader.peek(MAX_TAIL_BYTES)).toString('latin1');
  const tail = /^(={0,2})\s*(?:=([A-Za-z0-9+/]{4}))?\s*-----END PGP [A-Z ]+-----/.exec(text);
  if (!tail) {
    if (/^[=\sA-Za-z0-9+/-]*$/.test(text) && text.length < MAX_TAIL_BYTES) throw truncated(name, 'OpenPGP');
    throw corrupt(name, 'its OpenPGP armor does not end as it should');
  }
  const padding = tail[1]!.length;
  if ((left.length + padding) % 4 !== 0) throw corrupt(name, 'its OpenPGP armor has lost or gained characters');
  const last = Buffer.from(left.toString('latin1'), 'base64');
  crc.update(last);
  if (tail[2] && Buffer.from(tail[2], 'base64').readUIntBE(0, 3) !== crc.value)
    throw corrupt(name, 'the checksum of its OpenPGP armor does not match');
  return last;
}

/** A document's text: its bytes as UTF-8, whatever encoding it is in. */
import { open } from 'node:fs/promises';
import { GranaryError } from '../../lib/errors.ts';
import { decodeText, needsDecoding, sniffEncoding, type TextEncoding } from '../../lib/text-decode.ts';
import type { XmlConfig } from './config.ts';
import { shown } from './names.ts';
import { parseDeclaration } from './prolog.ts';

/** By the names that declarations use, in lower case. */
const ENCODINGS: Record<string, TextEncoding> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'us-ascii': 'utf-8',
  ascii: 'utf-8',
  'utf-16': 'utf-16',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
  'iso-8859-1': 'latin-1',
  iso8859_1: 'latin-1',
  latin1: 'latin-1',
  'latin-1': 'latin-1',
  'windows-1252': 'windows-1252',
  cp1252: 'windows-1252',
};

const CHUNK_BYTES = 2 ** 20;
const HEAD_BYTES = 1024;

/**
 * The text of a document in UTF-8, without a byte order mark; a chunk is valid until the next one is asked for. Throws `format.encoding`
 * for encodings that are not known, and for bytes that are not of the encoding.
 */
export async function* textOf(
  path: string,
  { encoding }: Pick<XmlConfig, 'encoding'>,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  await using handle = await open(path);
  let [buffer, other] = [Buffer.allocUnsafe(CHUNK_BYTES), Buffer.allocUnsafe(CHUNK_BYTES)];
  const head = Buffer.from(buffer.subarray(0, (await handle.read(buffer, 0, HEAD_BYTES, 0)).bytesRead));
  const actual = encoding === 'auto' ? declaredEncoding(head) : encoding;
  const bytes = async function* () {
    // The next chunk is read while the caller is at work on this one.
    let reading = handle.read(buffer, 0, CHUNK_BYTES, 0);
    for (let at = 0; ; ) {
      signal?.throwIfAborted();
      const { bytesRead } = await reading;
      if (bytesRead === 0) return;
      at += bytesRead;
      [buffer, other] = [other, buffer];
      reading = handle.read(buffer, 0, CHUNK_BYTES, at);
      reading.catch(() => {});
      yield other.subarray(0, bytesRead);
    }
  };
  yield* needsDecoding(actual, head) ? decodeText(bytes(), actual) : bytes();
}

function declaredEncoding(head: Buffer): TextEncoding {
  const byBytes = sniffEncoding(head);
  if (byBytes.startsWith('utf-16')) return byBytes;
  const text = head.toString('latin1').replace(/^\xef\xbb\xbf/, '');
  const end = text.indexOf('?>');
  const declared = text.startsWith('<?xml') && end > 0 ? parseDeclaration(text.slice(0, end + 2))?.encoding : undefined;
  if (declared === undefined) return 'utf-8';
  const known = ENCODINGS[declared.toLowerCase()];
  // Whoever can read the declaration as single bytes knows that it is not UTF-16: it was converted, and what it says was forgotten.
  if (known?.startsWith('utf-16')) return 'utf-8';
  if (known) return known;
  throw new GranaryError(
    'format.encoding',
    `The document declares the encoding "${shown(declared)}", which is not known.`,
    {
      hint: 'Set `encoding` in the format if it is in fact UTF-8, UTF-16, Latin-1 or Windows-1252.',
    },
  );
}

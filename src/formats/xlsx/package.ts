/** The parts of a spreadsheet file: a zip archive of XML documents. */
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { asGranaryError, GranaryError } from '../../lib/errors.ts';
import { formatBytes } from '../../lib/units.ts';

/** A real spreadsheet has a few hundred parts. */
const MOST_PARTS = 20_000;
/** XML of spreadsheets shrinks to a tenth, seldom to a hundredth; small parts may do better. */
const LARGEST_RATIO = 500;
const RATIO_FROM_BYTES = 100e6;

export interface Package {
  has(part: string): boolean;
  /** The bytes of a part, checked against its length and CRC when it has been read to its end. `format.invalid` if there is no such part. */
  stream(part: string): AsyncGenerator<Uint8Array>;
  /** A small part as text; `format.invalid` if it is larger than `maxBytes`. */
  text(part: string, maxBytes: number): Promise<string>;
}

/** Opens the file for the time that `use` takes. Errors: `format.invalid`, `format.empty`, `codec.bomb`. */
export async function withPackage<T>(path: string, use: (parts: Package) => Promise<T>): Promise<T> {
  const archive = await openArchive(path);
  try {
    return await use(packageOf(archive, await directoryOf(archive)));
  } finally {
    archive.close();
  }
}

async function openArchive(path: string): Promise<ZipFile> {
  const { openPromise } = await import('yauzl');
  await expectZip(path);
  try {
    return await openPromise(path, { autoClose: false });
  } catch (e) {
    throw invalid(
      `its archive cannot be opened (${asGranaryError(e).message})`,
      'It was probably cut off: fetch it again.',
      e,
    );
  }
}

const OLD_OFFICE = 'd0cf11e0a1b11ae1';

async function expectZip(path: string): Promise<void> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
    if (bytesRead === 0) throw new GranaryError('format.empty', 'The file has no content.');
    if (buffer.toString('hex') === OLD_OFFICE) {
      throw invalid('it is in the old .xls format, or has a password', 'Save it as .xlsx without a password.');
    }
    if (buffer.toString('latin1', 0, 2) !== 'PK')
      throw invalid('it is no zip archive', 'Check that it is the right file.');
  } finally {
    await file.close();
  }
}

async function directoryOf(archive: ZipFile): Promise<Map<string, Entry>> {
  if (archive.entryCount > MOST_PARTS) throw bomb(`it has ${archive.entryCount} parts`);
  const entries = new Map<string, Entry>();
  try {
    for await (const entry of archive.eachEntry()) entries.set(entry.fileName.toLowerCase(), entry);
  } catch (e) {
    throw invalid(`its archive is damaged (${asGranaryError(e).message})`, undefined, e);
  }
  return entries;
}

function packageOf(archive: ZipFile, entries: Map<string, Entry>): Package {
  const find = (part: string) => entries.get(part.replace(/^\//, '').toLowerCase());
  async function* stream(part: string): AsyncGenerator<Uint8Array> {
    const entry = find(part);
    if (!entry) throw invalid(`it has no part ${part}`, 'Check that it is a spreadsheet.');
    let bytes = 0;
    let sum = 0;
    try {
      for await (const piece of await archive.openReadStreamPromise(entry)) {
        const chunk = piece as Buffer;
        bytes += chunk.length;
        sum = crc32(chunk, sum);
        if (bytes > RATIO_FROM_BYTES && bytes > LARGEST_RATIO * entry.compressedSize)
          throw bomb(`${part} unpacks to more than ${formatBytes(bytes)}`);
        yield chunk;
      }
    } catch (e) {
      if (e instanceof GranaryError) throw e;
      throw invalid(`${part} is damaged (${asGranaryError(e).message})`, undefined, e);
    }
    if (sum !== entry.crc32) throw invalid(`the CRC of ${part} does not match`);
  }
  return {
    has: (part) => find(part) !== undefined,
    stream,
    async text(part, maxBytes) {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of stream(part)) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw invalid(`${part} is larger than ${formatBytes(maxBytes)}`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString('utf8');
    },
  };
}

/** `format.invalid`; `problem` is a clause. */
export function invalid(
  problem: string,
  hint = 'Fetch the file again; if it stays like this, ask the sender for a new one.',
  cause?: unknown,
): GranaryError {
  return new GranaryError('format.invalid', `It is not a spreadsheet that can be read: ${problem}.`, { hint, cause });
}

function bomb(problem: string): GranaryError {
  return new GranaryError('codec.bomb', `The spreadsheet was not unpacked: ${problem}.`, {
    hint: 'An honest tool does not make such files. Ask the sender how it was made.',
  });
}

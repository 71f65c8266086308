/** zip archives, with Zip64; entries stored or deflated. The directory is believed for nothing that the data can be asked. */
import { isUtf8 } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import type { Entry as YauzlEntry, ZipFile } from 'yauzl';
import { GranaryError } from '../lib/errors.ts';
import { s } from '../lib/spec/fields.ts';
import type { Infer } from '../lib/spec/spec.ts';
import type { Codec } from '../ports/codec.ts';
import { ByteReader } from './shared/byte-reader.ts';
import { corrupt, notInFormat, truncated } from './shared/faults.ts';
import { LOOKS_LIKE_BYTES } from './shared/looks-like.ts';
import { isWanted, membersField } from './shared/names.ts';
import { CHUNK_BYTES, decompress, zlibErrorCode } from './shared/zlib-stream.ts';
import {
  checkDirectory,
  type Entry,
  expectReadable,
  MAX_ENTRIES,
  overlapping,
  type RawEntry,
} from './zip/directory.ts';

const spec = s.object({ members: membersField }, { doc: 'Takes files out of a zip archive.' });
export type ZipConfig = Infer<typeof spec>;

/** The end record with its longest comment. */
const MAX_END_RECORD_BYTES = 22 + 65_535;

export const zip: Codec<ZipConfig> = {
  type: 'zip',
  title: 'zip archive',
  extensions: ['.zip'],
  spec,
  async *decode(input, config) {
    const handle = await open(await input.file(), 'r');
    try {
      const archive = await openArchive(handle, input.name);
      const entries = await readDirectory(archive, handle, input.name);
      const wanted = entries.filter((entry) => !entry.isFolder && isWanted(entry.path, config.members));
      for (const entry of wanted) expectReadable(input.name, entry);
      for (const entry of wanted) yield { name: entry.path, body: readEntry(archive, handle, entry, input.name) };
    } finally {
      await handle.close();
    }
  },
};

/** The directory's reader; it borrows the handle and never closes it. */
async function openArchive(handle: FileHandle, name: string): Promise<ZipFile> {
  const { fromFdPromise } = await import('yauzl');
  try {
    // Names come as bytes, because the reader's own checks know no difference between an unsafe and a damaged archive.
    return await fromFdPromise(handle.fd, { autoClose: false, decodeStrings: false });
  } catch (error) {
    throw await explainUnopened(handle, name, error);
  }
}

/** Tells an archive whose end is missing from one with a damaged end, and both from what is no archive. */
async function explainUnopened(handle: FileHandle, name: string, cause: unknown): Promise<GranaryError> {
  const head = Buffer.alloc(LOOKS_LIKE_BYTES);
  const { bytesRead } = await handle.read(head, 0, head.length, 0);
  if (head.toString('latin1', 0, 2) !== 'PK') return notInFormat(name, 'zip', head.subarray(0, bytesRead));
  const { size } = await handle.stat();
  const tail = Buffer.alloc(Math.min(size, MAX_END_RECORD_BYTES));
  await handle.read(tail, 0, tail.length, size - tail.length);
  if (!tail.includes('PK\x05\x06', 0, 'latin1')) return truncated(name, 'zip', cause);
  return corrupt(name, `its end cannot be read: ${(cause as Error).message}`, { cause });
}

async function readDirectory(archive: ZipFile, handle: FileHandle, name: string): Promise<Entry[]> {
  if (archive.entryCount > MAX_ENTRIES)
    throw new GranaryError('codec.bomb', `"${name}" holds ${archive.entryCount} entries, more than ${MAX_ENTRIES}`, {
      where: { file: name },
      hint: 'Ask the sender to split the archive.',
    });
  const { getFileNameLowLevel } = await import('yauzl');
  const directoryOffset = directoryPosition(archive);
  const raw: RawEntry[] = [];
  try {
    for await (const entry of archive.eachEntry()) {
      raw.push({
        fileName: getFileNameLowLevel(nameFlags(entry), entry.fileNameRaw, entry.extraFields, true),
        versionMadeBy: entry.versionMadeBy,
        externalFileAttributes: entry.externalFileAttributes,
        generalPurposeBitFlag: entry.generalPurposeBitFlag,
        compressionMethod: entry.compressionMethod,
        compressedSize: entry.compressedSize,
        uncompressedSize: entry.uncompressedSize,
        crc32: entry.crc32,
        relativeOffsetOfLocalHeader: entry.relativeOffsetOfLocalHeader,
      });
    }
  } catch (error) {
    throw corrupt(name, `its directory cannot be read: ${(error as Error).message}`, { cause: error });
  }
  await expectNoMoreEntries(archive, handle, name);
  return checkDirectory(name, raw, directoryOffset);
}

/** Many Unix tools write UTF-8 without the flag that says so; other encodings are hardly ever valid UTF-8 by chance. */
const nameFlags = (entry: YauzlEntry) => entry.generalPurposeBitFlag | (isUtf8(entry.fileNameRaw) ? 0x0800 : 0);

/** Where the next directory record stands. The reader's type declarations call it a boolean. */
const directoryPosition = (archive: ZipFile) => archive.readEntryCursor as unknown as number;

/** The count of entries is only a claim: an archive must not hide entries behind it. */
async function expectNoMoreEntries(archive: ZipFile, handle: FileHandle, name: string): Promise<void> {
  const signature = Buffer.alloc(4);
  await handle.read(signature, 0, 4, directoryPosition(archive));
  if (signature.readUInt32LE() === 0x02014b50)
    throw corrupt(name, `its directory holds more than the ${archive.entryCount} entries it declares`);
}

/** The content of one entry, its length and CRC checked. */
async function* readEntry(
  archive: ZipFile,
  handle: FileHandle,
  entry: Entry,
  name: string,
): AsyncGenerator<Uint8Array> {
  const data = new ByteReader(readRange(handle, await locate(archive, entry, name), entry.compressedBytes));
  const what = `its entry ${JSON.stringify(entry.path)}`;
  let bytes = 0;
  let sum = 0;
  try {
    const content = entry.method === 0 ? chunks(data) : decompress(createInflateRaw({ chunkSize: CHUNK_BYTES }), data);
    for await (const chunk of content) {
      bytes += chunk.length;
      if (bytes > entry.bytes) throw corrupt(name, `${what} is longer than the ${entry.bytes} bytes it declares`);
      sum = crc32(chunk, sum);
      yield chunk;
    }
    if (data.position !== entry.compressedBytes) throw corrupt(name, `${what} ends before the bytes it declares`);
    if (bytes !== entry.bytes) throw corrupt(name, `${what} has ${bytes} bytes and declares ${entry.bytes}`);
    if (sum !== entry.crc32) throw corrupt(name, `the CRC of ${what} does not match`);
  } catch (error) {
    if (zlibErrorCode(error))
      throw corrupt(name, `${what} cannot be inflated: ${(error as Error).message}`, { cause: error });
    throw error;
  } finally {
    await data.close();
  }
}

/** Offset of the entry's data. The local header must be there and the data end before the next entry. */
async function locate(archive: ZipFile, entry: Entry, name: string): Promise<number> {
  const header = { compressedSize: entry.compressedBytes, relativeOffsetOfLocalHeader: entry.localHeaderOffset };
  let start: number;
  try {
    start = (await archive.readLocalFileHeaderPromise(header as never, { minimal: true })).fileDataStart;
  } catch (error) {
    throw corrupt(name, `its entry ${JSON.stringify(entry.path)} cannot be found: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (start + entry.compressedBytes > entry.dataLimit) throw overlapping(name, entry.path);
  return start;
}

async function* chunks(reader: ByteReader): AsyncGenerator<Uint8Array> {
  for (let chunk = await reader.chunk(); chunk; chunk = await reader.chunk()) yield chunk;
}

async function* readRange(handle: FileHandle, start: number, length: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < start + length; ) {
    const wanted = Math.min(CHUNK_BYTES, start + length - at);
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The rules a zip archive's directory must obey before any of its entries is read. */
import { GranaryError } from '../../lib/errors.ts';
import { corrupt, unsupported } from '../shared/faults.ts';
import { safePath, unsafePath } from '../shared/names.ts';

/** More is refused: the directory is held in memory. */
export const MAX_ENTRIES = 200_000;

/** What the central directory says of one entry. */
export interface Entry {
  path: string;
  isFolder: boolean;
  encrypted: boolean;
  /** 0 stored, 8 deflated. */
  method: number;
  compressedBytes: number;
  bytes: number;
  crc32: number;
  localHeaderOffset: number;
  /** Where the next entry or the directory begins: this one's data must end before. */
  dataLimit: number;
}

/** The same before it is checked. */
export interface RawEntry {
  fileName: string;
  versionMadeBy: number;
  externalFileAttributes: number;
  generalPurposeBitFlag: number;
  compressionMethod: number;
  compressedSize: number;
  uncompressedSize: number;
  crc32: number;
  relativeOffsetOfLocalHeader: number;
}

const LOCAL_HEADER_BYTES = 30;
const UNIX = 3;
const FILE_TYPE_MASK = 0o170000;
/** Symbolic links and devices. Pipes are none: `zip` records one for data it read from its standard input. */
const DANGEROUS_TYPES: readonly number[] = [0o120000, 0o060000, 0o020000];

/**
 * Checks a whole directory; entries keep its order. Throws `codec.unsafe_path` for paths and kinds of file that must not be unpacked, `codec.corrupt` for
 * paths that occur twice, `codec.bomb` for entries that share bytes (D. Fifield, "A better zip bomb", 2019).
 */
export function checkDirectory(archive: string, raw: readonly RawEntry[], directoryOffset: number): Entry[] {
  const entries = raw.map((entry) => toEntry(archive, entry));
  const seen = new Set<string>();
  for (const { path } of entries) {
    if (seen.has(path))
      throw corrupt(archive, `it holds ${JSON.stringify(path)} twice`, {
        hint: 'Which of them counts cannot be known: ask the sender for an archive that holds it once.',
      });
    seen.add(path);
  }
  return withDataLimits(archive, entries, directoryOffset);
}

type Unplaced = Omit<Entry, 'dataLimit'>;

function toEntry(archive: string, raw: RawEntry): Unplaced {
  const path = safePath(archive, raw.fileName);
  const isFolder = raw.fileName.endsWith('/');
  if (isFolder && raw.uncompressedSize > 0)
    throw corrupt(archive, `its folder ${JSON.stringify(path)} declares content`);
  const fileType = raw.versionMadeBy >> 8 === UNIX ? (raw.externalFileAttributes >>> 16) & FILE_TYPE_MASK : 0;
  if (DANGEROUS_TYPES.includes(fileType)) throw unsafePath(archive, path, 'it is a link or a device, not a file');
  return {
    path,
    isFolder,
    encrypted: (raw.generalPurposeBitFlag & 1) !== 0,
    method: raw.compressionMethod,
    compressedBytes: raw.compressedSize,
    bytes: raw.uncompressedSize,
    crc32: raw.crc32,
    localHeaderOffset: raw.relativeOffsetOfLocalHeader,
  };
}

function withDataLimits(archive: string, entries: readonly Unplaced[], directoryOffset: number): Entry[] {
  const byOffset = entries.toSorted((a, b) => a.localHeaderOffset - b.localHeaderOffset);
  const limits = new Map<Unplaced, number>();
  for (const [i, entry] of byOffset.entries()) {
    const limit = byOffset[i + 1]?.localHeaderOffset ?? directoryOffset;
    if (entry.localHeaderOffset + LOCAL_HEADER_BYTES + entry.compressedBytes > limit)
      throw overlapping(archive, entry.path);
    limits.set(entry, limit);
  }
  return entries.map((entry) => ({ ...entry, dataLimit: limits.get(entry)! }));
}

/** `codec.bomb`. */
export function overlapping(archive: string, path: string): GranaryError {
  return new GranaryError('codec.bomb', `"${archive}" holds an entry that overlaps others, ${JSON.stringify(path)}`, {
    where: { file: archive },
    hint: 'Archives are made so to fill disks. Ask the sender how it was made before trusting it.',
    details: { entry: path },
  });
}

const METHODS: Record<number, string> = {
  1: 'shrink',
  6: 'implode',
  9: 'Deflate64',
  12: 'bzip2',
  14: 'LZMA',
  93: 'zstd',
  95: 'xz',
  98: 'PPMd',
  99: 'AES encryption',
};

/** Throws `codec.unsupported` for an entry that is wanted and cannot be read. */
export function expectReadable(archive: string, entry: Entry): void {
  const name = JSON.stringify(entry.path);
  if (entry.encrypted || entry.method === 99)
    throw unsupported(
      archive,
      `its entry ${name} is encrypted`,
      'Ask the sender to encrypt with OpenPGP instead, or to send it without a password.',
    );
  if (entry.method !== 0 && entry.method !== 8) {
    const method = METHODS[entry.method] ?? `method ${entry.method}`;
    throw unsupported(
      archive,
      `its entry ${name} is compressed with ${method}`,
      'Ask the sender for an ordinary zip, made with Deflate.',
    );
  }
}

/** Brings the beginning of a file at a source onto this machine, and unpacks it. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, open } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asGranaryError, GranaryError } from '../../lib/errors.ts';
import type { FileSource, RemoteFile } from '../../ports/connector.ts';
import { DEFAULT_LIMITS, type UnpackStep, unpack } from '../../stages/verify/unpack/unpack.ts';

/** Received bytes that are enough for a first look. */
const SAMPLE_BYTES = 8 * 2 ** 20;
/** Unpacked bytes that are. */
const PLAIN_BYTES = 64 * 2 ** 20;

export interface SampleRequest {
  connection: FileSource;
  file: RemoteFile;
  steps: readonly UnpackStep[];
  /** All of it, however large. */
  whole: boolean;
  /** An existing folder, removed by the caller. */
  scratch: string;
  progress(done: number, total: number | undefined): void;
  signal?: AbortSignal;
}

export interface Sample {
  path: string;
  /** Name of the plain file: without the endings of its layers; of the first file in an archive. */
  name: string;
  /** There is more of it. */
  cut: boolean;
}

/** Errors: those of the connector and of the codecs, where not even a beginning could be unpacked. */
export async function takeSample(request: SampleRequest): Promise<Sample> {
  const folder = await mkdtemp(join(request.scratch, 'sample-'));
  const received = join(folder, 'received');
  const receivedCut = await download(request, received);
  const name = request.file.path.slice(request.file.path.lastIndexOf('/') + 1);
  if (request.steps.length === 0) return { path: received, name, cut: receivedCut };
  return unpackFirst(request, { name, received, receivedCut, path: join(folder, 'plain') });
}

async function download({ connection, file, whole, progress, signal }: SampleRequest, to: string): Promise<boolean> {
  const limit = whole ? Number.POSITIVE_INFINITY : SAMPLE_BYTES;
  let bytes = 0;
  const total = file.bytes === undefined ? undefined : Math.min(file.bytes, limit);
  await pipeline(async function* () {
    for await (const chunk of connection.read(file.path, { ...(signal && { signal }) })) {
      bytes += chunk.length;
      progress(bytes, total);
      yield Buffer.from(chunk);
      if (bytes >= limit) return;
    }
  }, createWriteStream(to));
  return bytes >= limit && (file.bytes === undefined || bytes < file.bytes);
}

interface Packed {
  name: string;
  received: string;
  receivedCut: boolean;
  path: string;
}

/** The first member, up to where the sample or the limit ends. An error after bytes have come out of a cut file is the cut itself. */
async function unpackFirst(request: SampleRequest, { name, received, receivedCut, path }: Packed): Promise<Sample> {
  const limit = request.whole ? Number.POSITIVE_INFINITY : PLAIN_BYTES;
  const handle = await open(path, 'w');
  let plain: string | undefined;
  let bytes = 0;
  try {
    const members = unpack({
      name,
      open: () => chunksOf(received),
      file: received,
      steps: request.steps,
      scratch: request.scratch,
      limits: DEFAULT_LIMITS,
      ...(request.signal && { signal: request.signal }),
    });
    for await (const member of members) {
      plain = member.name.slice(member.name.lastIndexOf('/') + 1);
      for await (const chunk of member.body) {
        await handle.writeFile(chunk);
        bytes += chunk.length;
        if (bytes >= limit) return { path, name: plain, cut: true };
      }
      return { path, name: plain, cut: false };
    }
  } catch (e) {
    if (!receivedCut || plain === undefined || bytes === 0 || !asGranaryError(e).code.startsWith('codec.')) throw e;
    return { path, name: plain, cut: true };
  } finally {
    await handle.close();
  }
  throw new GranaryError('format.empty', `${name} holds no file.`, { where: { file: name } });
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  await using handle = await open(path);
  for await (const chunk of handle.createReadStream({ autoClose: false })) yield chunk as Uint8Array;
}

/** Land: one file from its source into the landing zone, byte for byte, exactly once. */
import { createHash, type Hash } from 'node:crypto';
import { GranaryError } from '../../lib/errors.ts';
import { idOf } from '../../lib/hash.ts';
import { type ObjectDoc, ORIGINS, type OriginDoc, originId } from '../../model/objects.ts';
import { isoNow } from '../../ports/clock.ts';
import type { FileSource, RemoteFile } from '../../ports/connector.ts';
import type { Upload } from '../../ports/object-store.ts';
import type { Versioned } from '../../ports/state-store.ts';
import { compileNamePattern } from '../../project/name-pattern.ts';
import type { Dataset } from '../../project/project.ts';
import { type StageContext, sourceOf } from '../context.ts';
import { JUST_LANDED, landingWrites } from '../landing.ts';
import type { FoundFile } from './poll.ts';
import { companions } from './readiness.ts';

export interface LandInput extends FoundFile {
  run: string;
}

export interface LandOutput {
  /** The object that holds the bytes; undefined when there was nothing new. */
  object: string | undefined;
  bytes: number;
  /** What happened: a new object, a new version of a file taken before, or the same bytes again. */
  outcome: 'new' | 'new_version' | 'unchanged';
  /** Bytes that were there from an earlier, broken transfer. */
  resumedAt: number;
}

const SIDECAR_LIMIT = 1 << 20;
const MAX_MOVED = 1000;

export async function land(input: LandInput, context: StageContext): Promise<LandOutput> {
  const source = sourceOf(context, input.source);
  const dataset = source.datasets.get(input.dataset);
  if (!dataset) throw new GranaryError('stage.bad_input', `Source ${input.source} has no dataset ${input.dataset}.`);
  const connection = await context.connection(input.source);
  if (input.taken) {
    await settleAtSource(connection, dataset, input.file);
    return { object: undefined, bytes: 0, outcome: 'unchanged', resumedAt: 0 };
  }
  const before = await context.state.get(ORIGINS, originId(dataset.key, input.file.path));
  const sidecars = await readSidecars(connection, dataset, input.file.path);
  const transfer = idOf(
    dataset.key,
    input.file.path,
    input.file.bytes ?? -1,
    input.file.modifiedAt ?? '',
    input.file.tag ?? '',
  );
  const upload = await context.objects.upload(transfer);
  let content: { sha256: string; bytes: number };
  try {
    content = await transferInto(upload, connection, input.file, context);
  } catch (e) {
    await upload.suspend();
    throw e;
  }
  const resumedAt = upload.offset;
  if (before && before.sha256 === content.sha256) {
    await upload.abort();
    await context.state.put(
      ORIGINS,
      { ...before, modifiedAt: input.file.modifiedAt ?? null, tag: input.file.tag ?? null },
      { rev: before.rev },
    );
    await settleAtSource(connection, dataset, input.file);
    return { object: before.object, bytes: content.bytes, outcome: 'unchanged', resumedAt };
  }
  const doc = describe(context, dataset, input, content, before, sidecars);
  try {
    await upload.commit(doc.key);
  } catch (e) {
    if (!(e instanceof GranaryError) || e.code !== 'store.exists') throw e;
    await upload.abort();
  }
  await record(context, doc, input.file, before);
  await settleAtSource(connection, dataset, input.file);
  return { object: doc.id, bytes: content.bytes, outcome: before ? 'new_version' : 'new', resumedAt };
}

/** Streams the rest of the file into the upload, hashing everything from the first byte. */
async function transferInto(
  upload: Upload,
  connection: FileSource,
  file: RemoteFile,
  context: StageContext,
): Promise<{ sha256: string; bytes: number }> {
  let hash = createHash('sha256');
  let bytes = 0;
  if (
    upload.offset > 0 &&
    connection.capabilities.resume &&
    (file.bytes === undefined || upload.offset <= file.bytes)
  ) {
    for await (const chunk of upload.existing()) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  } else if (upload.offset > 0) {
    await upload.restart();
    hash = createHash('sha256');
  }
  const add = async (chunk: Uint8Array, into: Hash) => {
    const written = upload.write(chunk);
    into.update(chunk);
    await written;
    bytes += chunk.length;
    context.progress({ what: file.path, done: bytes, total: file.bytes, unit: 'bytes' });
  };
  if (file.bytes === undefined || bytes < file.bytes) {
    for await (const chunk of connection.read(file.path, { offset: bytes, signal: context.signal }))
      await add(chunk, hash);
  }
  const after = await connection.stat(file.path);
  const changed =
    !after ||
    (file.bytes !== undefined && after.bytes !== file.bytes) ||
    (file.tag === undefined && after.modifiedAt !== file.modifiedAt);
  if (changed || (file.bytes !== undefined && bytes !== file.bytes)) {
    await upload.restart();
    throw new GranaryError('connector.changed', `${file.path} changed while it was being transferred.`, {
      transient: true,
      where: { file: file.path },
      hint: 'It is still being written. If its writer cannot rename it into place, set `ready: marker` or a longer `stable_for`.',
    });
  }
  return { sha256: hash.digest('hex'), bytes };
}

async function readSidecars(connection: FileSource, dataset: Dataset, path: string): Promise<ObjectDoc['sidecars']> {
  const { checksum, control } = companions(path, dataset.config);
  const out: ObjectDoc['sidecars'] = {};
  if (checksum) out.checksum = await readSmall(connection, checksum);
  if (control) out.control = await readSmall(connection, control);
  return out;
}

async function readSmall(connection: FileSource, path: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of connection.read(path)) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > SIDECAR_LIMIT)
      throw new GranaryError('verify.failed', `${path} is over 1 MiB: not a checksum or control file.`, {
        where: { file: path },
      });
  }
  return Buffer.concat(chunks).toString('utf8');
}

function describe(
  context: StageContext,
  dataset: Dataset,
  { file, run }: LandInput,
  content: { sha256: string; bytes: number },
  before: OriginDoc | undefined,
  sidecars: ObjectDoc['sidecars'],
): ObjectDoc {
  const version = (before?.version ?? 0) + 1;
  const id = idOf(dataset.key, file.path, version, content.sha256);
  const named = compileNamePattern(dataset.config.files!).match(file.path);
  const landedAt = isoNow(context.clock);
  const businessDate = named?.date ?? null;
  return {
    id,
    dataset: dataset.key,
    path: file.path,
    file: file.path.slice(file.path.lastIndexOf('/') + 1),
    version,
    bytes: content.bytes,
    sha256: content.sha256,
    landedAt,
    modifiedAt: file.modifiedAt ?? null,
    businessDate,
    nameParts: named?.parts ?? {},
    order: `${businessDate ?? landedAt}|${file.path}|${String(version).padStart(6, '0')}`,
    key: `landing/${dataset.key}/${id}`,
    sidecars,
    supersedes: before?.object ?? null,
    declared: null,
    landedRun: run,
    ...JUST_LANDED,
  };
}

/** The manifest record and the origin, together. An object that was recorded by an attempt that died after it is no error. */
async function record(
  context: StageContext,
  doc: ObjectDoc,
  file: RemoteFile,
  before: Versioned<OriginDoc> | undefined,
): Promise<void> {
  const seen = { modifiedAt: file.modifiedAt ?? null, tag: file.tag ?? null };
  await context.state.transact(landingWrites(doc, seen, before ? { rev: before.rev } : { absent: true }));
}

/** Moves or deletes the file, and its companions, where the dataset says so. A file that has changed since stays: it is the next version. */
async function settleAtSource(connection: FileSource, dataset: Dataset, file: RemoteFile): Promise<void> {
  const { action, to } = dataset.config.after_landing;
  if (action === 'leave') return;
  const paths = [file.path, ...Object.values(companions(file.path, dataset.config))];
  for (const path of paths.reverse()) {
    const now = await connection.stat(path);
    if (!now || (path === file.path && now.bytes !== file.bytes)) continue;
    if (action === 'delete') await connection.remove(path);
    else await moveAside(connection, path, `${to.replace(/\/+$/, '')}/${path.slice(path.lastIndexOf('/') + 1)}`);
  }
}

/** Of a file that was sent again the folder holds earlier contents already: the next one gets `.2`, `.3`… behind its name. */
async function moveAside(connection: FileSource, path: string, to: string): Promise<void> {
  for (let n = 1; ; n++) {
    try {
      await connection.move(path, n === 1 ? to : `${to}.${n}`);
      return;
    } catch (e) {
      if (!(e instanceof GranaryError) || e.code !== 'connector.exists' || n === MAX_MOVED) throw e;
    }
  }
}

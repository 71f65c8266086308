/** Discover: from the files of a source to datasets that are ready to edit. Reads samples; changes nothing at the source or in the project. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDuckDbEngine } from '../adapters/engine/duckdb.ts';
import { asGranaryError, GranaryError, type SerializedError } from '../lib/errors.ts';
import { redact } from '../lib/redact.ts';
import type { Chosen } from '../lib/spec/fields.ts';
import type { FileSource, RemoteFile } from '../ports/connector.ts';
import type { Engine } from '../ports/engine.ts';
import type { Discovery } from '../ports/format.ts';
import { readEndings } from '../project/endings.ts';
import { compileNamePattern } from '../project/name-pattern.ts';
import type { DraftDataset } from '../project/source-yaml.ts';
import { isUnfinishedName } from '../stages/collect/readiness.ts';
import { withAbsolutePaths } from '../stages/verify/payloads.ts';
import type { UnpackStep } from '../stages/verify/unpack/unpack.ts';
import { CODEC_BY_TYPE, COMPONENTS, FORMAT_BY_TYPE } from './catalog.ts';
import { parseSettings } from './discover/connector-config.ts';
import { type Family, groupFamilies } from './discover/families.ts';
import { mergeAlike } from './discover/merge.ts';
import { recognise } from './discover/recognise.ts';
import { type Sample, takeSample } from './discover/sample.ts';
import { datasetName, namedParts, suggestKeys } from './discover/suggest.ts';
import { catalogOf } from './project-catalog.ts';

export interface DiscoverRequest {
  /** The folder of granary.yaml. */
  dir: string;
  /** Parsed, references resolved. */
  connector: Chosen;
  /** Settings of codecs by their type, as in YAML: kept with their references in what is proposed. */
  codecs: Record<string, Record<string, unknown>>;
  /** Name of the source. */
  source: string;
  /** File patterns of datasets that the source has already, and names that datasets cannot have. */
  known: { patterns: readonly string[]; names: readonly string[] };
  folder: string;
  depth: number;
  whole: boolean;
  /** Asked when there is a choice to make. */
  choose?(families: readonly Family[]): Promise<readonly Family[]>;
  onFamily?: (family: Family) => void;
  onProgress?: (what: string, done: number, total: number | undefined) => void;
  signal?: AbortSignal;
}

export interface Discovered {
  datasets: DraftDataset[];
  /** Families that no dataset could be proposed for. */
  skipped: { pattern: string; files: number; error: SerializedError }[];
  /** Files seen, and of these the ones that known datasets take. */
  files: number;
  taken: number;
}

const MOST_FILES = 100_000;
const MOST_FAMILIES = 50;
const ENGINE_BYTES = 600e6;

/** Errors: those of the connector. What goes wrong with a single family is in the result. */
export async function discover(request: DiscoverRequest): Promise<Discovered> {
  const { type, ...config } = request.connector;
  const scratch = await mkdtemp(join(tmpdir(), 'granary-discover-'));
  let connection: FileSource | undefined;
  let engine: Engine | undefined;
  try {
    const connector = (await catalogOf(request.dir)).connectors.get(type)!;
    if (connector.kind !== 'files') throw new GranaryError('internal', `${type} offers no files.`);
    connection = await connector.open(config, {
      projectDir: request.dir,
      ...(request.signal && { signal: request.signal }),
    });
    const { fresh, files } = await listFresh(connection, request);
    const families = groupFamilies(fresh);
    const chosen = (await request.choose?.(families)) ?? families;
    engine = await openDuckDbEngine({ memoryLimit: ENGINE_BYTES, threads: availableParallelism(), scratch });
    const out: Discovered = { datasets: [], skipped: [], files, taken: files - fresh.length };
    const names = new Set(request.known.names);
    const candidates: DraftDataset[] = [];
    for (const family of chosen.slice(0, MOST_FAMILIES)) {
      request.signal?.throwIfAborted();
      request.onFamily?.(family);
      try {
        const dataset = await examine(family, { connection, engine, scratch, names, request });
        for (const { name } of [dataset, ...(dataset.parts ?? [])]) names.add(name);
        candidates.push(dataset);
      } catch (e) {
        const error = asGranaryError(e);
        if (error.code === 'cancelled' || error.code === 'store.disk_full') throw e;
        out.skipped.push({
          pattern: family.pattern,
          files: family.files.length,
          error: { ...error.toJSON(), message: redact(error.message) },
        });
      }
    }
    const nameOf = (pattern: string) => nameFor(pattern, request.source, names);
    return { ...out, datasets: mergeAlike(candidates, nameOf) };
  } finally {
    await engine?.close();
    await connection?.close().catch(() => undefined);
    await rm(scratch, { recursive: true, force: true });
  }
}

const nameFor = (pattern: string, source: string, taken: ReadonlySet<string>) =>
  datasetName(pattern, readEndings(pattern, COMPONENTS).inner, source, taken);

async function listFresh(
  connection: FileSource,
  { folder, depth, known }: DiscoverRequest,
): Promise<{ fresh: RemoteFile[]; files: number }> {
  const patterns = known.patterns.map((p) => compileNamePattern(p));
  const fresh: RemoteFile[] = [];
  let files = 0;
  for await (const file of connection.list({ folder, depth })) {
    if (isUnfinishedName(file.path) || file.bytes === 0) continue;
    if (files++ >= MOST_FILES) break;
    if (!patterns.some((p) => p.match(file.path))) fresh.push(file);
  }
  return { fresh, files };
}

interface Bench {
  connection: FileSource;
  engine: Engine;
  scratch: string;
  names: ReadonlySet<string>;
  request: DiscoverRequest;
}

async function examine(family: Family, bench: Bench): Promise<DraftDataset> {
  const newest = family.files[0]!;
  const endings = readEndings(newest.path, COMPONENTS);
  const { steps, unpack } = await unpackSteps(
    endings.codecs.map((c) => c.type),
    bench.request,
  );
  const sampled = {
    connection: bench.connection,
    file: newest,
    steps,
    scratch: bench.scratch,
    ...(bench.request.signal && { signal: bench.request.signal }),
  };
  const progress = (done: number, total: number | undefined) => bench.request.onProgress?.(newest.path, done, total);
  let found: { format: string; discovery: Discovery<unknown> } | undefined;
  if (!bench.request.whole) {
    // Most formats tell themselves from a beginning; those that do not, such as one JSON document or a zip archive, are read whole.
    const sample = await takeSample({ ...sampled, whole: false, progress }).catch(() => undefined);
    found = sample && (await read(sample, newest, bench).catch(() => undefined));
  }
  found ??= await read(await takeSample({ ...sampled, whole: true, progress }), newest, bench);
  const { format, discovery } = found;
  const name = nameFor(family.pattern, bench.request.source, bench.names);
  const parts = (discovery.parts ?? []).map(({ keys, ...part }) => ({ ...part, suggestedKeys: keys }));
  return {
    name,
    files: family.pattern,
    ...(unpack && { unpack }),
    format: {
      type: format,
      inferred: endings.format?.type === format,
      settings: discovery.config as Record<string, unknown>,
    },
    columns: discovery.columns,
    rowsSeen: discovery.rowsSeen,
    suggestedKeys: suggestKeys(discovery.columns),
    notes: [...discovery.notes, ...partNotes(family.pattern)],
    ...(parts.length > 0 && { parts: namedParts(name, parts, bench.names) }),
  };
}

/** Parts of the name are facts that the rows may lack. */
function partNotes(pattern: string): string[] {
  const parts = compileNamePattern(pattern).parts.filter((part) => part !== 'date');
  return parts.map((part) => `{${part}} of the name can be a column as well: ${part}: { from_name: ${part} }`);
}

/** `unpack` is what YAML must say, where endings alone do not. */
async function unpackSteps(
  types: readonly string[],
  { dir, codecs }: DiscoverRequest,
): Promise<{ steps: UnpackStep[]; unpack: DraftDataset['unpack'] }> {
  const steps: UnpackStep[] = [];
  for (const type of types) {
    const codec = CODEC_BY_TYPE.get(type)!;
    const config = await parseSettings(dir, `codec ${type}`, codec.spec, codecs[type] ?? {});
    steps.push({ codec, config: withAbsolutePaths(config, dir) });
  }
  const needed = types.some((type) => codecs[type] !== undefined);
  return { steps, unpack: needed ? types.map((type) => (codecs[type] ? { type, ...codecs[type] } : type)) : undefined };
}

const HEAD_BYTES = 64 * 1024;

async function read(
  sample: Sample,
  file: RemoteFile,
  { engine, request }: Bench,
): Promise<{ format: string; discovery: Discovery<unknown> }> {
  const type = recognise(await headOf(sample.path), readEndings(sample.name, COMPONENTS).format?.type);
  if (type === undefined) {
    throw new GranaryError('discover.failed', `${file.path} is of no format that could be recognised.`, {
      hint: 'Declare the dataset by hand: `granary list formats`.',
      where: { file: file.path },
    });
  }
  const discovery: Discovery<unknown> = await FORMAT_BY_TYPE.get(type)!.discover({
    engine,
    path: sample.path,
    name: sample.name,
    config: {},
    whole: request.whole,
  });
  if (discovery.columns.length === 0)
    throw new GranaryError('discover.failed', `${file.path} has no columns.`, { where: { file: file.path } });
  return { format: type, discovery };
}

async function headOf(path: string): Promise<Uint8Array> {
  await using handle = await open(path);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}

/** Poll: which files of a source are new and complete. */
import { GranaryError } from '../../lib/errors.ts';
import { DEAD_LETTERS, deadLetterId, isHeld } from '../../model/dead-letters.ts';
import { ORIGINS, type OriginDoc, originId, SIGHTINGS } from '../../model/objects.ts';
import type { FileSource, RemoteFile } from '../../ports/connector.ts';
import { compileNamePattern, type NameMatch, type NamePattern } from '../../project/name-pattern.ts';
import type { Dataset } from '../../project/project.ts';
import { type StageContext, sourceOf } from '../context.ts';
import { pollFeeds } from '../extract/poll.ts';
import { writeList } from '../lists.ts';
import { fits, type RunParameters } from '../run/parameters.ts';
import { nothingFound, type PollOutput } from './poll-output.ts';
import { companions, isUnfinishedName, readiness } from './readiness.ts';

export interface PollInput {
  run: string;
  source: string;
  /** Names of datasets; all of the source if not given. */
  datasets?: string[] | null;
  /** Only files with these paths. */
  paths?: string[] | null;
  /** Only files whose names have these parts. */
  parameters?: RunParameters | null;
  /** Also files that gave up in an earlier run. */
  retry_dead_letters?: boolean | null;
  /** Where the list of files goes, in the object store; null: nowhere, only a look is wanted. */
  list: string | null;
}

export interface FoundFile {
  source: string;
  dataset: string;
  /** Of a source without files: its feed is read, and `file` only names it. As a function, or as a container where it may take long. */
  how?: 'extract' | 'extract_long';
  /** Extractions of this run so far. */
  round?: number;
  file: RemoteFile;
  /** Taken before; only what is to be done with it at the source is left to do. */
  taken: boolean;
}

export async function poll(input: PollInput, context: StageContext): Promise<PollOutput> {
  const source = sourceOf(context, input.source);
  if ([...source.datasets.values()].some((d) => d.extract)) return pollFeeds(source, input, context);
  const datasets = [...source.datasets.values()].filter(
    (d) => d.config.files !== undefined && (!input.datasets || input.datasets.includes(d.name)),
  );
  const patterns = datasets.map((dataset) => ({ dataset, pattern: compileNamePattern(dataset.config.files!) }));
  const connection = await context.connection(source.name);
  const files = await listAll(
    connection,
    source.name,
    patterns.map((p) => p.pattern),
  );
  const out = nothingFound(input.list);
  const found: FoundFile[] = [];
  const present = new Set(files.keys());
  const sidecars = new Set<string>();
  const claims: { dataset: Dataset; file: RemoteFile; named: NameMatch }[] = [];
  for (const file of files.values()) {
    const claim = patterns.find((p) => p.pattern.match(file.path));
    const named = claim?.pattern.match(file.path);
    if (!claim || !named) continue;
    if (isUnfinishedName(file.path)) {
      wait(out, file.path, 'it has the name of a file that is still being written');
      continue;
    }
    claims.push({ dataset: claim.dataset, file, named });
    for (const path of Object.values(companions(file.path, claim.dataset.config))) sidecars.add(path);
  }
  const claimed = new Set(claims.map((c) => c.file.path));
  for (const path of present) {
    if (claimed.has(path) || sidecars.has(path) || isUnfinishedName(path)) continue;
    out.unclaimedCount++;
    if (out.unclaimed.length < 20) out.unclaimed.push(path);
  }
  for (const { dataset, file: listed, named } of claims) {
    if (sidecars.has(listed.path) || (input.paths && !input.paths.includes(listed.path))) continue;
    if (!fits(named, input.parameters)) continue;
    const file = await described(connection, listed);
    if (!file) continue;
    const origin = await context.state.get(ORIGINS, originId(dataset.key, file.path));
    if (origin && isSame(origin, file)) {
      if (dataset.config.after_landing.action !== 'leave')
        found.push({ source: source.name, dataset: dataset.name, file, taken: true });
      continue;
    }
    const id = originId(dataset.key, file.path);
    const state = readiness(file, dataset.config, present, await context.state.get(SIGHTINGS, id), context.clock.now());
    if (state.ready) {
      const letter = await givenUp(dataset, file, input, context);
      if (letter) {
        wait(out, file.path, `it gave up: ${letter.reason} Try it again with \`granary dlq replay ${letter.id}\``);
        continue;
      }
      found.push({ source: source.name, dataset: dataset.name, file, taken: false });
      continue;
    }
    if (state.sighting) await context.state.put(SIGHTINGS, { id, ...state.sighting });
    if (state.inMs !== undefined) out.soonestMs = Math.min(out.soonestMs ?? state.inMs, state.inMs);
    wait(out, file.path, state.reason);
  }
  found.sort((a, b) => (a.file.path < b.file.path ? -1 : 1));
  out.found = found.length;
  out.datasets = [...new Set(found.map((f) => f.dataset))].sort();
  if (input.list === null) return out;
  await writeList(input.list, found, context);
  return out;
}

/** The open dead letter of this very file; other contents under its name are another try. */
async function givenUp(dataset: Dataset, file: RemoteFile, input: PollInput, context: StageContext) {
  const letter = await context.state.get(DEAD_LETTERS, deadLetterId('file', originId(dataset.key, file.path)));
  if (!letter || !isHeld(letter, input, context.clock.now())) return undefined;
  const then = (letter.payload as { file: RemoteFile }).file;
  const isOther = then.bytes !== file.bytes || then.modifiedAt !== file.modifiedAt || then.tag !== file.tag;
  return isOther ? undefined : letter;
}

function wait(out: PollOutput, path: string, reason: string): void {
  out.waitingCount++;
  if (out.waiting.length < 20) out.waiting.push({ path, reason });
}

/** Size, time and version tag are those of the object that was taken: its content is not read again. */
function isSame(origin: OriginDoc, file: RemoteFile): boolean {
  if (file.tag !== undefined && origin.tag !== null) return origin.tag === file.tag;
  return file.bytes === origin.bytes && file.modifiedAt !== undefined && origin.modifiedAt === file.modifiedAt;
}

/** Some listings give names only: what else the server knows of such a file. Undefined when it is gone. */
async function described(connection: FileSource, file: RemoteFile): Promise<RemoteFile | undefined> {
  const isBare = file.bytes === undefined && file.modifiedAt === undefined && file.tag === undefined;
  return isBare ? connection.stat(file.path) : file;
}

/** Every file of the folders that the patterns name, each folder listed once. */
async function listAll(
  connection: FileSource,
  source: string,
  patterns: NamePattern[],
): Promise<Map<string, RemoteFile>> {
  const requests = new Map<string, number>();
  for (const p of patterns) requests.set(p.folder, Math.max(p.depth, requests.get(p.folder) ?? 0));
  const files = new Map<string, RemoteFile>();
  for (const [folder, depth] of requests) {
    try {
      for await (const file of connection.list({ folder, depth })) files.set(file.path, file);
    } catch (e) {
      if (!(e instanceof GranaryError) || e.code !== 'connector.not_found') throw e;
      throw new GranaryError('connector.not_found', `${source}: there is no folder ${folder || '/'} at the source.`, {
        hint: 'Create it, or correct `files` or the connector’s root.',
        cause: e,
      });
    }
  }
  return files;
}

/**
 * Between Granary and a connector that a project wrote: what it throws becomes an error that names its file and line, and what it answers is
 * looked at before it is used.
 */
import { asGranaryError, GranaryError } from '../../lib/errors.ts';
import { isMapping } from '../../lib/spec/common.ts';
import type { Issue } from '../../lib/spec/spec.ts';
import type { FileSource } from '../../ports/connector.ts';
import type { AnyConnector, ExtractSource, ReadDescription } from '../../ports/extract.ts';
import { CODEC_BY_TYPE, FORMAT_BY_TYPE } from '../catalog.ts';
import { isSpec } from './modules.ts';
import { placeOf } from './place.ts';

export interface Origin {
  /** Of the project. */
  dir: string;
  /** Of the connector, relative to it. */
  file: string;
}

/** What a default export lacks to be a connector, as a sentence; undefined when it is one. */
export function shapeProblem(made: unknown): string | undefined {
  if (!isMapping(made)) return 'it has no connector as its default export: export default defineConnector({ … })';
  if (made['kind'] !== 'extracts' && made['kind'] !== 'files') return 'its "kind" is neither "extracts" nor "files"';
  const lacks = [
    typeof made['title'] !== 'string' && 'title',
    !isSpec(made['spec']) && 'spec (made with s.object)',
    typeof made['open'] !== 'function' && 'open',
    made['kind'] === 'extracts' && !isSpec(made['read']) && 'read (made with s.object)',
    made['kind'] === 'extracts' && typeof made['describe'] !== 'function' && 'describe',
  ].filter((word) => word !== false);
  return lacks.length > 0 ? `the connector lacks ${lacks.join(', ')}` : undefined;
}

export function guarded(type: string, made: AnyConnector, origin: Origin): AnyConnector {
  const act = guard(type, origin);
  if (made.kind === 'files')
    return {
      ...made,
      type,
      open: (config, context) => act(async () => filesOf(await made.open(config, context), act)),
    };
  return {
    ...made,
    type,
    describe(read, config) {
      try {
        const described = made.describe(read, config);
        const problem = descriptionProblem(described);
        return problem === undefined ? described : refused(`describe() of ${origin.file} ${problem}`);
      } catch (e) {
        return refused(`describe() failed: ${toldBy(e, type, origin).message}`);
      }
    },
    open: (config, context) =>
      act(async () => extractsOf((await made.open(config, context)) as ExtractSource<unknown>, act, origin)),
  };
}

const refused = (message: string): ReadDescription => ({
  unpack: [],
  format: { type: 'csv' },
  problems: [{ path: [], message }],
});

function descriptionProblem(described: ReadDescription): string | undefined {
  if (!isMapping(described) || !isMapping(described.format) || !Array.isArray(described.unpack))
    return 'gives no { unpack, format }';
  for (const [known, chosen] of [
    ...described.unpack.map((layer) => [CODEC_BY_TYPE, layer] as const),
    [FORMAT_BY_TYPE, described.format] as const,
  ]) {
    const { type, ...settings } = chosen;
    const component = known.get(type);
    if (!component) return `names "${type}": there are ${[...known.keys()].join(', ')}`;
    const issues: Issue[] = [];
    component.spec.parse(settings, [type], { issues });
    if (issues.length > 0) return `is wrong at ${issues[0]!.path.join('.')}: ${issues[0]!.message}`;
  }
  return undefined;
}

interface Act {
  <T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** The same for what is read bit by bit. */
  each<T>(work: () => AsyncIterable<T>): AsyncIterable<T>;
}

function guard(type: string, origin: Origin): Act {
  const act = async <T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    try {
      return await work();
    } catch (e) {
      if (signal?.aborted) throw cancelled(e, signal);
      throw toldBy(e, type, origin);
    }
  };
  return Object.assign(act, {
    async *each<T>(work: () => AsyncIterable<T>) {
      try {
        yield* work();
      } catch (e) {
        throw toldBy(e, type, origin);
      }
    },
  });
}

function cancelled(e: unknown, { reason }: AbortSignal): GranaryError {
  const error = asGranaryError(reason);
  return error.code === 'internal' ? new GranaryError('cancelled', 'Stopped by request.', { cause: e }) : error;
}

/** Errors of the network pass; those of the code do not. */
const PASSING = /^(ECONN\w+|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|UND_ERR_\w+)$/;

function toldBy(e: unknown, type: string, { dir, file }: Origin): GranaryError {
  if (e instanceof GranaryError) return e;
  const causes: { message?: string; code?: unknown; name?: string }[] = [];
  for (let at: unknown = e; at instanceof Error && causes.length < 5; at = at.cause) causes.push(at);
  const message = causes.length > 0 ? causes.map((c) => c.message).join(': ') : String(e);
  const place = placeOf(e, dir);
  const at = place ? `${place.file}:${place.line}` : file;
  return new GranaryError('connector.failed', `connector ${type} (${at}): ${message}`, {
    transient: causes.some(({ code, name }) => PASSING.test(String(code)) || name === 'TimeoutError'),
    where: place ?? { file },
    hint: 'The project’s own connector threw this; a GranaryError says better what is wrong and whether it passes.',
    cause: e,
  });
}

function extractsOf(source: ExtractSource<unknown>, act: Act, { file }: Origin): ExtractSource<unknown> {
  return {
    extract: (request, sink) =>
      act(async () => {
        const result = await source.extract(request, sink);
        if (isMapping(result) && isMapping(result.position) && typeof result.more === 'boolean') return result;
        throw new GranaryError('connector.failed', `extract() of ${file} gave no { position, more } at its end.`, {
          where: { file },
          hint: 'position is a mapping that says how far it has read; more is whether there is more to read now.',
        });
      }, request.signal),
    ...(source.hasNew && { hasNew: (...given) => act(async () => source.hasNew!(...given)) }),
    ...(source.lag && { lag: (...given) => act(async () => source.lag!(...given)) }),
    offers: () => act.each(() => source.offers()),
    propose: (offer) => act(async () => source.propose(offer)),
    close: () => act(async () => source.close()),
  };
}

function filesOf(source: FileSource, act: Act): FileSource {
  return {
    capabilities: source.capabilities,
    list: (request) => act.each(() => source.list(request)),
    stat: (path) => act(async () => source.stat(path)),
    read: (path, options) => act.each(() => source.read(path, options)),
    move: (path, to) => act(async () => source.move(path, to)),
    remove: (path) => act(async () => source.remove(path)),
    close: () => act(async () => source.close()),
  };
}

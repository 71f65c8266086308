/** From a source without files to datasets that are ready to edit: what it offers, with columns, types and keys. Changes nothing there. */
import { asGranaryError, GranaryError, type SerializedError } from '../../lib/errors.ts';
import { redact } from '../../lib/redact.ts';
import type { Chosen } from '../../lib/spec/fields.ts';
import type { ExtractConnector, ExtractSource, Offer } from '../../ports/extract.ts';
import { toName } from '../../project/names.ts';
import type { DraftRead } from '../../project/source-yaml.ts';
import { catalogOf } from '../project-catalog.ts';
import { dataDirOf } from './connector-config.ts';

export interface DiscoverReadsRequest {
  /** The folder of granary.yaml. */
  dir: string;
  /** Its environment; undefined: that of `GRANARY_ENV`. */
  environment?: string | undefined;
  /** Parsed, references resolved. */
  connector: Chosen;
  /** Of datasets that the source has already: `read` as in YAML. */
  known: { reads: readonly unknown[]; names: readonly string[] };
  /** Names or patterns (`shop.*`) of what is wanted; empty: everything. */
  only: readonly string[];
  /** Asked when there is a choice to make. */
  choose?(offers: readonly Offer[]): Promise<readonly Offer[]>;
  onOffer?(offer: Offer): void;
  signal?: AbortSignal;
}

export interface DiscoveredReads {
  datasets: DraftRead[];
  /** What no dataset could be proposed for. */
  skipped: { name: string; error: SerializedError }[];
  /** What the source offers, or was named, and how much of that known datasets read. */
  offers: number;
  taken: number;
  /** Where it offers nothing: what can be done. */
  advice: string | undefined;
}

const MOST_OFFERS = 10_000;
const MOST_DATASETS = 500;

/** Errors: those of the connector; `config.invalid` when nothing is called as wanted. */
export async function discoverReads(request: DiscoverReadsRequest): Promise<DiscoveredReads> {
  const { type, ...config } = request.connector;
  const connector = (await catalogOf(request.dir)).connectors.get(type)!;
  if (connector.kind !== 'extracts') throw new GranaryError('internal', `${type} offers files.`);
  const dataDir = await dataDirOf(request.dir, request.environment ?? process.env['GRANARY_ENV']);
  const context = { projectDir: request.dir, dataDir, ...(request.signal && { signal: request.signal }) };
  const source = await connector.open(config, context);
  try {
    const { fresh, offers, taken } = await freshOffers(source, connector, request);
    const chosen = (await request.choose?.(fresh)) ?? fresh;
    const advice = offers === 0 ? connector.withoutOffers : undefined;
    const out: DiscoveredReads = { datasets: [], skipped: [], offers, taken, advice };
    const names = new Set(request.known.names);
    for (const offer of chosen.slice(0, MOST_DATASETS)) {
      request.signal?.throwIfAborted();
      request.onOffer?.(offer);
      try {
        const { columns, read, load, key, notes } = await source.propose(offer);
        const name = freeName(offer.name, names);
        names.add(name);
        out.datasets.push({ name, read, columns, load, key, notes, rows: offer.rows });
      } catch (e) {
        const error = asGranaryError(e);
        if (error.code === 'cancelled') throw e;
        out.skipped.push({ name: offer.name, error: { ...error.toJSON(), message: redact(error.message) } });
      }
    }
    return out;
  } finally {
    await source.close().catch(() => undefined);
  }
}

async function freshOffers(
  source: ExtractSource<unknown>,
  { named: offerOf, withoutOffers }: Pick<ExtractConnector<unknown, unknown>, 'named' | 'withoutOffers'>,
  { known, only }: DiscoverReadsRequest,
) {
  const reads = new Set(known.reads.map(keyOf));
  const named = only.map((text) => offerOf?.(text));
  const patterns = only.filter((_, i) => named[i] === undefined).map(patternOf);
  const fresh = named.filter((offer) => offer !== undefined);
  let offers = fresh.length;
  let taken = 0;
  if (offers > 0 && patterns.length === 0) return { fresh, offers, taken };
  for await (const offer of source.offers()) {
    if (offers++ >= MOST_OFFERS) break;
    if (reads.has(keyOf(offer.read)) || reads.has(offer.name)) taken++;
    else if (patterns.length === 0 || patterns.some((p) => p.test(offer.name))) fresh.push(offer);
  }
  if (patterns.length > 0 && fresh.length === 0 && taken === 0)
    throw new GranaryError('config.invalid', `The source offers nothing that is called ${only.join(' or ')}.`, {
      hint:
        offers === 0 && withoutOffers !== undefined
          ? withoutOffers
          : `It offers ${offers}; without --only all of them are shown.`,
    });
  return { fresh, offers, taken };
}

/** A table, however it is written. */
function keyOf(read: unknown): string {
  if (typeof read !== 'object' || read === null) return String(read);
  const { table } = read as { table?: unknown };
  return typeof table === 'string' ? table : JSON.stringify(read);
}

/** `shop.*`: `*` and `?` stand for what they stand for in names of files; case does not count. */
export function patternOf(text: string): RegExp {
  const escaped = text.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'i');
}

/** The last part of the name where it is free, then with what stands before it. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  const parts = name.split('.');
  for (let from = parts.length - 1; from >= 0; from--) {
    const candidate = toName(parts.slice(from).join('_'), 'dataset');
    if (!taken.has(candidate)) return candidate;
  }
  for (let n = 2; ; n++) {
    const candidate = `${toName(parts.join('_'), 'dataset')}_${n}`;
    if (!taken.has(candidate)) return candidate;
  }
}

/**
 * Extract: what is new of one feed into the landing zone, exactly once. The position moves in the transaction that makes the objects
 * known; what was read before a kill is read again, or gone on with from the connector's last checkpoint.
 */
import { asGranaryError, GranaryError } from '../../lib/errors.ts';
import { FEEDS, type FeedDoc, feedId } from '../../model/feeds.ts';
import type { ExtractDataset, ExtractRequest, Trouble } from '../../ports/extract.ts';
import { putWrite, type Versioned } from '../../ports/state-store.ts';
import type { Dataset, Source } from '../../project/project.ts';
import { type StageContext, sourceOf } from '../context.ts';
import { plain } from '../verify/verify.ts';
import { commit, type LandedObject, objectsOf } from './commit.ts';
import { Sink } from './sink.ts';

export interface ExtractInput {
  run: string;
  source: string;
  feed: string;
  /** Keys that are in tables, by dataset: Parquet files in the object store, for a comparison that is due. */
  keys?: Record<string, string> | null;
  /** Everything, whatever the position. */
  full?: boolean | null;
}

export interface ExtractOutput {
  objects: LandedObject[];
  /** There is more to read now. */
  more: boolean;
  /** Datasets that could not be read while the others went on; null: not known, as only what a kill had left was made known. */
  troubles: readonly Trouble[] | null;
}

export async function extract(input: ExtractInput, context: StageContext): Promise<ExtractOutput> {
  const source = sourceOf(context, input.source);
  const datasets = datasetsOfFeed(source, input.feed);
  if (datasets.length === 0)
    throw new GranaryError('stage.bad_input', `Source ${input.source} has no feed ${input.feed}.`);
  const id = feedId(source.tenant, source.name, input.feed);
  const feed = (await context.state.get(FEEDS, id)) ?? (await begun(id, context));
  // What was read before a kill: only to be made known.
  if (feed.current?.state === 'committing') return { ...(await commit(feed, context)), troubles: null };
  try {
    return await read(input, source, datasets, feed, context);
  } catch (e) {
    const error = asGranaryError(e);
    await context.dropSource(source.name);
    // The checkpoint cannot be gone on with: the next attempt begins anew.
    if (error.code === 'extract.stale' || error.code === 'store.io') await forget(id, context);
    throw error;
  }
}

async function read(
  input: ExtractInput,
  source: Source,
  datasets: Dataset[],
  feed: Versioned<FeedDoc>,
  context: StageContext,
): Promise<ExtractOutput> {
  const connection = await context.extractSource(source.name);
  const wanted = datasets.map((d) => d.name);
  let known = feed;
  const sink = new Sink({
    objects: context.objects,
    name: `${feed.id}|${feed.number}`,
    datasets: new Set(wanted),
    async save(progress, parts) {
      await context.state.put(
        FEEDS,
        { ...plain<FeedDoc>(known), current: { state: 'reading', progress, parts } },
        { rev: known.rev },
      );
      known = (await context.state.get(FEEDS, feed.id))!;
    },
    onBytes: (done) =>
      context.progress({ what: `${source.name} ${input.feed}`, done, total: undefined, unit: 'bytes' }),
  });
  const reading = feed.current?.state === 'reading' ? feed.current : undefined;
  let reconciled = false;
  let troubles: readonly Trouble[] = [];
  try {
    if (reading) await sink.resume(reading.parts);
    const result = await context.withScratch((scratch) => {
      const request: ExtractRequest<unknown> = {
        feed: input.feed,
        datasets: datasets.map(asked),
        position: input.full ? undefined : (feed.position ?? undefined),
        progress: reading?.progress,
        full: input.full ?? false,
        now: () => context.clock.now(),
        async currentKeys(dataset) {
          const key = input.keys?.[dataset];
          if (key === undefined) return undefined;
          reconciled = true;
          return { path: await context.objects.localPath(key) };
        },
        openEngine: () => context.openEngine(),
        scratch,
        ...(context.signal && { signal: context.signal }),
        warn: (message) => context.log?.('warn', message, { source: source.name, feed: input.feed }),
        progressed: (done, total, unit) =>
          context.progress({ what: `${source.name} ${input.feed}`, done, total, unit }),
      };
      return connection.extract(request, sink);
    });
    troubles = result.troubles ?? [];
    const parts = await sink.end(result.declared ?? {});
    const committing: FeedDoc = {
      ...plain<FeedDoc>(known),
      current: {
        state: 'committing',
        position: result.position,
        more: result.more,
        reconciled,
        objects: objectsOf(parts, { run: input.run, feed: known, datasets, now: context.clock.now() }),
      },
    };
    await context.state.put(FEEDS, committing, { rev: known.rev });
  } catch (e) {
    await sink.suspend();
    throw e;
  }
  return { ...(await commit((await context.state.get(FEEDS, feed.id))!, context)), troubles };
}

export function datasetsOfFeed(source: Source, feed: string): Dataset[] {
  return [...source.datasets.values()].filter((d) => d.extract?.feed === feed);
}

export function asked(dataset: Dataset): ExtractDataset<unknown> {
  return {
    name: dataset.name,
    read: dataset.extract!.read,
    columns: Object.entries(dataset.config.columns)
      .filter(([, c]) => c.from_name === undefined)
      .map(([name, c]) => ({ name, from: c.from ?? name, type: c.type })),
  };
}

async function begun(id: string, context: StageContext): Promise<Versioned<FeedDoc>> {
  const doc: FeedDoc = { id, position: null, number: 1, readAt: null, reconciledAt: null, current: null };
  await context.state.transact([putWrite(FEEDS, doc, { absent: true })]);
  return (await context.state.get(FEEDS, id))!;
}

async function forget(id: string, context: StageContext): Promise<void> {
  const feed = await context.state.get(FEEDS, id);
  if (feed?.current?.state !== 'reading') return;
  await context.state.put(FEEDS, { ...plain<FeedDoc>(feed), current: null }, { rev: feed.rev });
}

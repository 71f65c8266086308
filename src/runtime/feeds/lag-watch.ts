/**
 * Watches feeds that are always open: how far each is behind its source, and what it costs the server. What is worse than it may be is told of,
 * and when it is over, that too. A source that does not answer is one that falls behind.
 */
import { asGranaryError, type GranaryError } from '../../lib/errors.ts';
import { redact } from '../../lib/redact.ts';
import { formatSeconds } from '../../lib/units.ts';
import { type EventDoc, toEmit } from '../../model/events.ts';
import { FEED_LAGS, FEEDS, type FeedLagDoc, feedId } from '../../model/feeds.ts';
import type { FeedLag } from '../../ports/extract.ts';
import { putWrite } from '../../ports/state-store.ts';
import type { Source } from '../../project/project.ts';
import type { StageContext } from '../../stages/context.ts';
import { asked, datasetsOfFeed } from '../../stages/extract/extract.ts';

export interface LagWatchOptions {
  context: StageContext;
  onEvents(): void;
  onProblem(what: string, error: GranaryError): void;
}

const EVERY_MS = 15_000;

interface Watched {
  source: Source;
  feed: string;
}

export class LagWatch {
  readonly #options: LagWatchOptions;
  readonly #watched: Watched[];
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(options: LagWatchOptions) {
    this.#options = options;
    this.#watched = [...options.context.project.sources.values()].flatMap((source) => {
      const open = [...source.datasets.values()].flatMap((d) =>
        d.extract?.everySeconds === undefined ? [] : [d.extract.feed],
      );
      return [...new Set(open)].map((feed) => ({ source, feed }));
    });
  }

  start(): void {
    if (this.#watched.length > 0) this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { context, onProblem } = this.#options;
    while (!this.#stop.signal.aborted) {
      for (const watched of this.#watched)
        await this.look(watched).catch((e) => onProblem(`feed of ${watched.source.name}`, asGranaryError(e)));
      await context.clock.sleep(EVERY_MS, this.#stop.signal).catch(() => undefined);
    }
  }

  /** One look at one feed. */
  async look({ source, feed }: Watched): Promise<void> {
    const { context, onEvents } = this.#options;
    const id = feedId(source.tenant, source.name, feed);
    const now = context.clock.now();
    const before = await context.state.get(FEED_LAGS, id);
    const found = await this.#measure(source, feed);
    const doc: FeedLagDoc = {
      id,
      source: source.name,
      tenant: source.tenant,
      feed,
      at: new Date(now).toISOString(),
      seconds: found.seconds ?? null,
      bytes: found.bytes ?? null,
      retainedBytes: found.retainedBytes ?? null,
      problem: found.problems.length === 0 ? null : found.problems.map(({ text }) => text).join(' '),
      // Since when it has been bad, not since when it was told.
      since: found.problems.length === 0 ? null : (before?.since ?? new Date(now).toISOString()),
      about: found.problems.map(({ about }) => about),
    };
    const isOther = doc.about!.some((about) => !before?.about?.includes(about));
    const isOver = doc.since === null && before !== undefined && before.since !== null;
    await context.state.transact([
      putWrite(FEED_LAGS, doc),
      ...(isOther || isOver ? [toEmit(lagEvent(doc, isOver ? before.since! : doc.at))] : []),
    ]);
    if (isOther || isOver) onEvents();
  }

  async #measure(source: Source, feed: string): Promise<FeedLag & { problems: { about: string; text: string }[] }> {
    const { context } = this.#options;
    const known = await context.state.get(FEEDS, feedId(source.tenant, source.name, feed));
    try {
      const connection = await context.extractSource(source.name);
      const datasets = datasetsOfFeed(source, feed).map(asked);
      const lag = (await connection.lag?.(feed, datasets, known?.position ?? undefined)) ?? {};
      const limit = source.config.max_lag;
      const problems = lag.problem === undefined ? [] : [{ about: lag.about ?? 'source', text: lag.problem }];
      if (lag.seconds !== undefined && lag.seconds > limit)
        problems.push({
          about: 'lag',
          text: `It is ${formatSeconds(lag.seconds)} behind; it may be ${formatSeconds(limit)}.`,
        });
      return { ...lag, problems };
    } catch (e) {
      await context.dropSource(source.name);
      const text = redact(`It cannot be asked how far it is: ${asGranaryError(e).message}`);
      return { problems: [{ about: 'silence', text }] };
    }
  }
}

function lagEvent(doc: FeedLagDoc, since: string): EventDoc {
  const isBad = doc.problem !== null;
  return {
    id: `feed.${isBad ? 'behind' : 'caught_up'}|${doc.id}|${since}`,
    type: isBad ? 'feed.behind' : 'feed.caught_up',
    subject: doc.source,
    tenant: doc.tenant,
    at: doc.at,
    data: {
      source: doc.source,
      feed: doc.feed,
      seconds: doc.seconds,
      retainedBytes: doc.retainedBytes,
      ...(doc.problem !== null && { reason: doc.problem }),
    },
  };
}

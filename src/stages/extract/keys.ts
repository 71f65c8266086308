/** Before an extraction, in the owner: the keys that are in tables, where they are to be compared with those at the source. */
import { FEEDS, feedId } from '../../model/feeds.ts';
import type { FoundFile } from '../collect/poll.ts';
import { sourceOf } from '../context.ts';
import type { LoadContext } from '../load.ts';
import { tableSnapshot } from '../table-snapshot.ts';
import { datasetsOfFeed, type ExtractInput } from './extract.ts';

export async function extractInput(
  { run, item }: { run: string; item: FoundFile },
  context: LoadContext,
): Promise<ExtractInput> {
  const source = sourceOf(context, item.source);
  const feed = await context.state.get(FEEDS, feedId(source.tenant, source.name, item.file.path));
  const keys: Record<string, string> = {};
  for (const dataset of datasetsOfFeed(source, item.file.path)) {
    const { reconcileSeconds } = dataset.extract!;
    const { key } = dataset.config.load;
    if (reconcileSeconds === undefined || !key?.length || !feed?.readAt) continue;
    const last = Date.parse(feed.reconciledAt ?? feed.readAt);
    if (context.clock.now() < last + reconcileSeconds * 1000) continue;
    const snapshot = await tableSnapshot(dataset.table, key, context);
    if (snapshot !== undefined) keys[dataset.name] = snapshot;
  }
  return { run, source: item.source, feed: item.file.path, keys };
}

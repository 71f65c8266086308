/** Before an extraction, in the owner: the keys that are in tables, where they are to be compared with those at the source. */
import { idOf } from '../../lib/hash.ts';
import { FEEDS, feedId } from '../../model/feeds.ts';
import type { FoundFile } from '../collect/poll.ts';
import { sourceOf } from '../context.ts';
import type { LoadContext } from '../load.ts';
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
    if (!(await context.warehouse.columns(dataset.table))) continue;
    const version = await context.warehouse.tableVersion(dataset.table);
    const at = `references/${dataset.table.schema}/${dataset.table.name}/${idOf(version, ...key)}.parquet`;
    const prefix = at.slice(0, at.lastIndexOf('/') + 1);
    if (!(await context.objects.head(at)))
      await context.objects.writeLocal(prefix, async (folder) => {
        await context.warehouse.exportTable(dataset.table, [...key], `${folder}/${at.slice(prefix.length)}`);
      });
    keys[dataset.name] = at;
  }
  return { run, source: item.source, feed: item.file.path, keys };
}

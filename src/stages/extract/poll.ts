/** Poll of a source without files: which of its feeds are to be read. */
import { DEAD_LETTERS, deadLetterId, isHeld } from '../../model/dead-letters.ts';
import { FEEDS, type FeedDoc, feedId } from '../../model/feeds.ts';
import { originId } from '../../model/objects.ts';
import type { Dataset, Source } from '../../project/project.ts';
import type { FoundFile, PollInput } from '../collect/poll.ts';
import { nothingFound, type PollOutput } from '../collect/poll-output.ts';
import type { StageContext } from '../context.ts';
import { writeList } from '../lists.ts';
import { asked, datasetsOfFeed } from './extract.ts';

export async function pollFeeds(source: Source, input: PollInput, context: StageContext): Promise<PollOutput> {
  const out = nothingFound(input.list);
  const found: FoundFile[] = [];
  const datasets = new Set<string>();
  const reached: string[] = [];
  for (const [feed, of] of feedsOf(source, input.datasets)) {
    const [first] = of as [Dataset];
    const known = await context.state.get(FEEDS, feedId(source.tenant, source.name, feed));
    if (input.list === null && !(await hasNew(source, feed, of, known, context))) continue;
    const held = await heldBack(first, feed, input, context);
    if (held !== undefined) {
      out.waitingCount++;
      out.waiting.push({ path: feed, reason: held });
      continue;
    }
    for (const { name } of of) datasets.add(name);
    reached.push(`${feed} ${known?.number ?? 0}`);
    found.push({
      source: source.name,
      dataset: first.name,
      how: first.extract!.everySeconds === undefined ? 'extract_long' : 'extract',
      round: 1,
      file: { path: feed, bytes: undefined, modifiedAt: undefined },
      taken: false,
    });
  }
  // What chooses files by their names is none of feeds.
  if (input.paths || input.parameters) found.length = 0;
  out.found = found.length;
  out.datasets = [...datasets].sort();
  out.reached = reached.join();
  if (input.list === null) return out;
  await writeList(input.list, found, context);
  return out;
}

/** Feeds with all their datasets, where any of these is wanted. */
function feedsOf(source: Source, wanted: string[] | null | undefined): Map<string, Dataset[]> {
  const out = new Map<string, Dataset[]>();
  for (const { name, extract } of source.datasets.values())
    if (extract && (!wanted || wanted.includes(name))) out.set(extract.feed, datasetsOfFeed(source, extract.feed));
  return out;
}

/** Only streams are looked at between their times; other feeds are read when a schedule or a person says so. */
async function hasNew(
  source: Source,
  feed: string,
  datasets: Dataset[],
  known: FeedDoc | undefined,
  context: StageContext,
): Promise<boolean> {
  if (datasets[0]!.extract!.everySeconds === undefined) return false;
  if (!known?.position || known.current) return true;
  try {
    const connection = await context.extractSource(source.name);
    return (await connection.hasNew?.(feed, datasets.map(asked), known.position)) ?? true;
  } catch (e) {
    await context.dropSource(source.name);
    throw e;
  }
}

/** What failed is not tried at every look, but after a while it is, whatever it was: someone may have repaired the source. */
async function heldBack(dataset: Dataset, feed: string, input: PollInput, context: StageContext) {
  const letter = await context.state.get(DEAD_LETTERS, deadLetterId('file', originId(dataset.key, feed)));
  if (!letter || !isHeld({ ...letter, transient: true }, input, context.clock.now())) return undefined;
  return `it gave up: ${letter.reason} Try it again with \`granary dlq replay ${letter.id}\``;
}

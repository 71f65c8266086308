/** The end of an extraction: its objects and its position are made known together. Idempotent, so that a kill in between costs nothing. */
import { GranaryError } from '../../lib/errors.ts';
import { idOf } from '../../lib/hash.ts';
import { type Committing, FEEDS, type FeedDoc } from '../../model/feeds.ts';
import { OBJECTS, type ObjectDoc } from '../../model/objects.ts';
import { putWrite, type Versioned, type Write } from '../../ports/state-store.ts';
import type { Dataset } from '../../project/project.ts';
import type { StageContext } from '../context.ts';
import { JUST_LANDED, landingWrites } from '../landing.ts';
import { plain } from '../verify/verify.ts';
import type { EndedPart } from './sink.ts';

export interface LandedObject {
  object: string;
  dataset: string;
  path: string;
  bytes: number;
  rows: number | null;
}

export interface Committed {
  objects: LandedObject[];
  more: boolean;
}

/** Four writes an object; a transaction holds a hundred. */
const MOST_TOGETHER = 20;

export function objectsOf(
  parts: EndedPart[],
  { run, feed, datasets, now }: { run: string; feed: FeedDoc; datasets: Dataset[]; now: number },
): Committing['objects'] {
  // Objects are in the order of extractions, even if the clock was set back.
  const at = Math.max(now, feed.readAt === null ? 0 : Date.parse(feed.readAt) + 1);
  const landedAt = new Date(at).toISOString();
  return parts.map(({ dataset: name, part, upload, bytes, sha256, complete, ending, declared }) => {
    const dataset = datasets.find((d) => d.name === name)!;
    const file = `${name}_${String(feed.number).padStart(8, '0')}${part === 1 ? '' : `_${String(part).padStart(4, '0')}`}${ending}`;
    const path = `${name}/${file}`;
    const id = idOf(dataset.key, path, 1, sha256);
    const doc: ObjectDoc = {
      id,
      dataset: dataset.key,
      path,
      file,
      version: 1,
      bytes,
      sha256,
      landedAt,
      modifiedAt: null,
      businessDate: null,
      nameParts: {},
      order: `${landedAt}|${name}|${String(part).padStart(6, '0')}`,
      key: `landing/${dataset.key}/${id}`,
      sidecars: {},
      supersedes: null,
      declared,
      complete,
      landedRun: run,
      ...JUST_LANDED,
    };
    return { upload, doc };
  });
}

export async function commit(feed: Versioned<FeedDoc>, context: StageContext): Promise<Committed> {
  const { position, more, reconciled, objects } = feed.current as Committing;
  for (const { upload, doc } of objects) await keep(upload, doc, context);
  const at = objects[0]?.doc.landedAt ?? new Date(context.clock.now()).toISOString();
  const next: FeedDoc = {
    ...plain<FeedDoc>(feed),
    position,
    number: feed.number + 1,
    readAt: feed.readAt !== null && feed.readAt > at ? feed.readAt : at,
    reconciledAt: reconciled ? at : feed.reconciledAt,
    current: null,
  };
  const writes: Write[][] = [];
  for (const { doc } of objects) writes.push(await recordOf(doc, context));
  while (writes.length > MOST_TOGETHER) await context.state.transact(writes.splice(0, MOST_TOGETHER).flat());
  await context.state.transact([...writes.flat(), putWrite(FEEDS, next, { rev: feed.rev })]);
  return {
    objects: objects.map(({ doc }) => ({
      object: doc.id,
      dataset: doc.dataset,
      path: doc.path,
      bytes: doc.bytes,
      rows: doc.declared?.rows ?? null,
    })),
    more,
  };
}

async function keep(name: string, doc: ObjectDoc, context: StageContext): Promise<void> {
  if (await context.objects.head(doc.key)) return;
  const upload = await context.objects.upload(name);
  try {
    await upload.commit(doc.key);
  } catch (e) {
    if (!(e instanceof GranaryError) || e.code !== 'store.exists') throw e;
    await upload.abort();
  }
}

/** Nothing when an attempt that was killed has recorded it. */
async function recordOf(doc: ObjectDoc, context: StageContext): Promise<Write[]> {
  if (await context.state.get(OBJECTS, doc.id)) return [];
  return landingWrites(doc, { modifiedAt: null, tag: null });
}

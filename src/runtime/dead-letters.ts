/** Dead letters, as people deal with them: list, replay, discard. */
import { GranaryError } from '../lib/errors.ts';
import { DEAD_LETTERS, type DeadLetterDoc, type DeadLetterStatus } from '../model/dead-letters.ts';
import { toEmit } from '../model/events.ts';
import { isoNow } from '../ports/clock.ts';
import { putWrite, type Versioned } from '../ports/state-store.ts';
import type { StageContext } from '../stages/context.ts';
import { letterEvent } from '../stages/run/dead-letter.ts';
import { plain } from '../stages/verify/verify.ts';
import { isInDatasets } from './names.ts';

export interface DeadLetterFilter {
  /** Ids, beginnings of ids, or names of files. */
  ids?: readonly string[];
  /** `source` or `source.dataset`. */
  datasets?: readonly string[];
  /** Default: open and replaying. */
  statuses?: readonly DeadLetterStatus[];
  /** An error code. */
  error?: string;
  /** ISO 8601, UTC: updated since. */
  since?: string;
  limit?: number;
}

const LIVE: readonly DeadLetterStatus[] = ['open', 'replaying'];

/** Newest first. Errors: `stage.bad_input` for an id that names none or several. */
export async function findDeadLetters(filter: DeadLetterFilter, context: StageContext): Promise<DeadLetterDoc[]> {
  const statuses = filter.statuses ?? LIVE;
  const all: Versioned<DeadLetterDoc>[] = [];
  for (const status of filter.ids?.length ? ALL : statuses)
    for await (const d of context.state.query(DEAD_LETTERS, { index: 'status', equals: [status], descending: true })) {
      if (d.source !== '' && !isInDatasets(d.dataset || `${d.tenant}/${d.source}/`, filter.datasets ?? [])) continue;
      if (d.source === '' && filter.datasets?.length) continue;
      if ((filter.error && d.error !== filter.error) || (filter.since && d.updatedAt < filter.since)) continue;
      all.push(d);
    }
  all.sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1));
  const chosen = filter.ids?.length ? filter.ids.flatMap((id) => named(id, all)) : all;
  return chosen.slice(0, filter.limit ?? chosen.length).map((d) => plain<DeadLetterDoc>(d));
}
const ALL: readonly DeadLetterStatus[] = ['open', 'replaying', 'resolved', 'discarded'];

function named(id: string, all: readonly Versioned<DeadLetterDoc>[]): Versioned<DeadLetterDoc>[] {
  const exact = all.filter((d) => d.id === id);
  const found = exact.length > 0 ? exact : all.filter((d) => d.id.startsWith(id) || d.name === id);
  if (found.length === 1) return found;
  throw new GranaryError(
    'stage.bad_input',
    found.length === 0 ? `There is no dead letter ${id}.` : `${found.length} dead letters are called ${id}.`,
    { hint: '`granary dlq list` lists them.' },
  );
}

/** What a replay has to start. */
export interface ReplayPlan {
  letters: DeadLetterDoc[];
  /** Sources whose pipelines take the files and objects with their next run. */
  sources: string[];
  /** Whether files have to be looked for again. */
  collect: boolean;
  /** Runs that failed as a whole: they are continued. */
  redrive: string[];
}

/**
 * Marks the chosen dead letters for another try. Idempotent: those that are being replayed already are part of the plan again, those that are
 * resolved are not. A run takes what is marked; giving up again opens the letter again.
 */
export async function replayDeadLetters(
  filter: DeadLetterFilter,
  by: string,
  context: StageContext,
): Promise<ReplayPlan> {
  const chosen = (await findDeadLetters(filter, context)).filter((d) => d.status !== 'resolved');
  for (const d of chosen) await mark(d.id, 'replaying', 'replayed', by, context);
  const units = chosen.filter((d) => d.kind !== 'pipeline' || d.source !== '');
  return {
    letters: chosen,
    sources: [...new Set(units.map((d) => d.source))].sort(),
    collect: units.some((d) => d.kind !== 'object'),
    redrive: chosen.filter((d) => d.kind === 'pipeline' && d.source === '').map((d) => d.ref),
  };
}

/** Ends dead letters without another try. What they stand for stays where it is; files are taken again only when they change. */
export async function discardDeadLetters(
  filter: DeadLetterFilter,
  reason: string,
  by: string,
  context: StageContext,
): Promise<DeadLetterDoc[]> {
  const chosen = (await findDeadLetters(filter, context)).filter((d) => LIVE.includes(d.status));
  for (const d of chosen) await mark(d.id, 'discarded', `discarded: ${reason}`, by, context);
  return chosen;
}

async function mark(
  id: string,
  status: 'replaying' | 'discarded',
  what: string,
  by: string,
  context: StageContext,
): Promise<void> {
  const doc = await context.state.get(DEAD_LETTERS, id);
  if (!doc || doc.status === status) return;
  const at = isoNow(context.clock);
  const marked: DeadLetterDoc = {
    ...plain<DeadLetterDoc>(doc),
    status,
    updatedAt: at,
    history: [...doc.history, { at, what, run: null, error: null, by }].slice(-50),
  };
  await context.state.transact([
    putWrite(DEAD_LETTERS, marked, { rev: doc.rev }),
    ...(status === 'discarded' ? [toEmit(letterEvent('dead_letter.resolved', marked, 'discarded', at))] : []),
  ]);
}

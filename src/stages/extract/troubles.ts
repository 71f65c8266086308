/** Datasets that cannot be read while the others of their feed are: dead letters, from when that shows until they are read again. */
import { redact } from '../../lib/redact.ts';
import { DEAD_LETTERS, deadLetterId } from '../../model/dead-letters.ts';
import { originId } from '../../model/objects.ts';
import { RUNS } from '../../model/runs.ts';
import type { Trouble } from '../../ports/extract.ts';
import { type StageContext, sourceOf } from '../context.ts';
import { deadLetter, resolution } from '../run/dead-letter.ts';
import { datasetsOfFeed } from './extract.ts';

export interface SettleInput {
  run: string;
  source: string;
  feed: string;
  troubles: readonly Trouble[];
}

/** Returns those that are new, or that have another reason than before: the run in which they show fails. */
export async function settleTroubles(
  { run, source, feed, troubles }: SettleInput,
  context: StageContext,
): Promise<Trouble[]> {
  const told: Trouble[] = [];
  for (const { key, name } of datasetsOfFeed(sourceOf(context, source), feed)) {
    const path = `${feed}/${name}`;
    const ref = originId(key, path);
    const trouble = troubles.find((t) => t.dataset === name);
    if (!trouble) {
      const writes = await resolution('file', ref, run, context);
      if (writes.length > 0) await context.state.transact(writes);
      continue;
    }
    const { code, message } = trouble.error;
    const known = await context.state.get(DEAD_LETTERS, deadLetterId('file', ref));
    const isKnown = known?.status === 'open' || known?.status === 'discarded';
    if (isKnown && known.reason === redact(message)) continue;
    const { pipeline = source } = (await context.state.get(RUNS, run)) ?? {};
    await deadLetter(
      {
        run,
        pipeline,
        state: 'Extract',
        kind: 'file',
        item: { source, dataset: name, file: { path } },
        error: { Error: code, Cause: JSON.stringify({ error: trouble.error }) },
      },
      context,
    );
    told.push(trouble);
  }
  return told;
}

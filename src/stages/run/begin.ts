/** Begin: the record of a run. Idempotent; a run that is continued is running again. */
import { redact } from '../../lib/redact.ts';
import { EMPTY_BOOKS } from '../../model/books.ts';
import { RUNS, type RunDoc, toPublishRun } from '../../model/runs.ts';
import { isoNow } from '../../ports/clock.ts';
import { putWrite } from '../../ports/state-store.ts';
import type { StageContext } from '../context.ts';
import { plain } from '../verify/verify.ts';

export interface BeginInput {
  run: string;
  pipeline: string;
  /** As typed, for the record. */
  command?: string | null;
  /** `manual`, `schedule`, `arrival`, `event`, `backfill`. */
  trigger?: string | null;
}

export async function begin(input: BeginInput, context: StageContext): Promise<{ run: string }> {
  const known = await context.state.get(RUNS, input.run);
  const doc: RunDoc = known
    ? { ...plain<RunDoc>(known), status: 'running', endedAt: null, errors: [] }
    : {
        id: input.run,
        startedAt: isoNow(context.clock),
        endedAt: null,
        status: 'running',
        command: redact(input.command ?? `pipeline ${input.pipeline}`),
        pipeline: input.pipeline,
        trigger: input.trigger ?? 'manual',
        totals: EMPTY_BOOKS,
        landed: 0,
        quarantined: 0,
        errors: [],
      };
  await context.state.transact([putWrite(RUNS, doc), toPublishRun(input.run)]);
  return { run: input.run };
}

/** What a run tells while it goes: for the terminal and for those who follow it. */
import type { SerializedError } from '../../lib/errors.ts';
import type { ObjectDoc } from '../../model/objects.ts';
import type { LandOutput } from '../../stages/collect/land.ts';
import type { PollOutput } from '../../stages/collect/poll-output.ts';
import type { CurateOutput } from '../../stages/curate/curate.ts';
import type { LoadOutput } from '../../stages/load.ts';

export type RunEvent =
  | { type: 'polled'; source: string; output: PollOutput }
  | { type: 'landed'; source: string; path: string; output: LandOutput }
  | { type: 'quarantined'; object: ObjectDoc; reasons: { code: string; message: string }[] }
  | { type: 'duplicate'; object: ObjectDoc; records: number }
  | { type: 'loaded'; object: ObjectDoc; dataset: string; curated: CurateOutput; output: LoadOutput }
  | { type: 'retry'; what: string; error: SerializedError; attempt: number }
  | { type: 'failed'; what: string; object?: string; error: SerializedError };

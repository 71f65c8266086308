/** Dead letter: records what gave up after its retries, with everything that is needed to do it again. */
import type { SerializedError } from '../../lib/errors.ts';
import { redact } from '../../lib/redact.ts';
import { DEAD_LETTERS, type DeadLetterDoc, deadLetterId } from '../../model/dead-letters.ts';
import { type EventDoc, toEmit } from '../../model/events.ts';
import { OBJECTS, originId } from '../../model/objects.ts';
import { isoNow } from '../../ports/clock.ts';
import { putWrite, type Write } from '../../ports/state-store.ts';
import { type StageContext, sourceOf } from '../context.ts';
import { plain } from '../verify/verify.ts';
import type { PendingObject } from './pending.ts';

export interface DeadLetterInput {
  run: string;
  pipeline: string;
  state: string;
  kind: DeadLetterDoc['kind'];
  /** A found file with its source, a pending object, or what names the pipeline’s part: `{ source }`. */
  item: DeadFile | PendingObject | { source?: string };
  /** What Catch puts there. */
  error: { Error: string; Cause: string };
}
/** The file of a `FoundFile`, as far as it matters. */
interface DeadFile {
  source: string;
  dataset: string;
  file: { path: string; bytes?: number };
}

const MAX_HISTORY = 50;

/** Idempotent: giving up again in the same run changes nothing. It is told when it opens, not each time that a later run gives up on it again. */
export async function deadLetter(input: DeadLetterInput, context: StageContext): Promise<{ dead_letter: string }> {
  const about = await describe(input, context);
  const id = deadLetterId(input.kind, about.ref);
  const known = await context.state.get(DEAD_LETTERS, id);
  if (known?.run === input.run && known.status === 'open') return { dead_letter: id };
  const error = errorOf(input.error);
  const at = isoNow(context.clock);
  const doc: DeadLetterDoc = {
    id,
    status: 'open',
    kind: input.kind,
    ...about,
    pipeline: input.pipeline,
    run: input.run,
    state: input.state,
    payload: input.item,
    error: error.code,
    reason: redact(error.message),
    hint: error.hint ?? null,
    transient: error.transient,
    openedAt: known && known.status !== 'resolved' ? known.openedAt : at,
    updatedAt: at,
    history: [
      ...(known?.history ?? []),
      { at, what: 'gave up', run: input.run, error: redact(error.message), by: null },
    ].slice(-MAX_HISTORY),
  };
  await context.state.transact([
    putWrite(DEAD_LETTERS, doc, known ? { rev: known.rev } : { absent: true }),
    ...(known?.status === 'open' ? [] : [toEmit(letterEvent('dead_letter.opened', doc, input.run, at))]),
  ]);
  return { dead_letter: id };
}

type About = Pick<DeadLetterDoc, 'dataset' | 'tenant' | 'source' | 'ref' | 'name' | 'bytes'>;

async function describe({ kind, item, run }: DeadLetterInput, context: StageContext): Promise<About> {
  if (kind === 'file') {
    const { source, dataset, file } = item as DeadFile;
    const { tenant } = sourceOf(context, source);
    const key = `${tenant}/${source}/${dataset}`;
    const name = file.path.slice(file.path.lastIndexOf('/') + 1);
    return { dataset: key, tenant, source, ref: originId(key, file.path), name, bytes: file.bytes ?? null };
  }
  if (kind === 'object') {
    const { object: id, dataset } = item as PendingObject;
    const [tenant, source] = dataset.split('/') as [string, string];
    const object = await context.state.get(OBJECTS, id);
    return { dataset, tenant, source, ref: id, name: object?.file ?? id, bytes: object?.bytes ?? null };
  }
  const { source = '' } = item as { source?: string };
  const tenant = context.project.sources.get(source)?.tenant ?? 'main';
  return { dataset: '', tenant, source, ref: source === '' ? run : `source ${source}`, name: source, bytes: null };
}

/** The error that a stage threw, from the Cause that Lambda’s convention gives; or what Step Functions says of its own errors. */
export function errorOf({ Error: name, Cause }: DeadLetterInput['error']): SerializedError {
  try {
    const cause = JSON.parse(Cause) as { error?: SerializedError; errorMessage?: string };
    if (cause.error) return cause.error;
    return { code: 'internal', message: cause.errorMessage ?? Cause, transient: false };
  } catch {
    const timedOut = name === 'States.Timeout' || name === 'States.HeartbeatTimeout';
    return { code: timedOut ? 'worker.timeout' : 'internal', message: `${name}: ${Cause}`, transient: timedOut };
  }
}

export function letterEvent(
  type: 'dead_letter.opened' | 'dead_letter.resolved',
  doc: DeadLetterDoc,
  run: string,
  at: string,
): EventDoc {
  return {
    id: `${type}|${doc.id}|${run}`,
    type,
    subject: doc.dataset || doc.source || doc.pipeline,
    tenant: doc.tenant,
    at,
    data: {
      dead_letter: doc.id,
      kind: doc.kind,
      name: doc.name,
      pipeline: doc.pipeline,
      state: doc.state,
      run,
      code: doc.error,
      reason: doc.reason,
      hint: doc.hint,
    },
  };
}

/** What ends the dead letter of a unit of work that has succeeded after all; nothing where it has none. */
export async function resolution(
  kind: DeadLetterDoc['kind'],
  ref: string,
  run: string,
  context: StageContext,
): Promise<Write[]> {
  const doc = await context.state.get(DEAD_LETTERS, deadLetterId(kind, ref));
  if (!doc || (doc.status !== 'open' && doc.status !== 'replaying')) return [];
  const at = isoNow(context.clock);
  const resolved: DeadLetterDoc = {
    ...plain<DeadLetterDoc>(doc),
    status: 'resolved',
    updatedAt: at,
    history: [...doc.history, { at, what: 'succeeded', run, error: null, by: null }].slice(-MAX_HISTORY),
  };
  return [
    putWrite(DEAD_LETTERS, resolved, { rev: doc.rev }),
    toEmit(letterEvent('dead_letter.resolved', resolved, run, at)),
  ];
}

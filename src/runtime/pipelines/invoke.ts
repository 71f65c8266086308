/** Runs the stages that machines call: which one, where (in the owner or in a worker), and what is told of it. */
import type { StageCall } from '../../adapters/orchestrator/embedded.ts';
import type { Json } from '../../asl/types.ts';
import { GranaryError } from '../../lib/errors.ts';
import { type LogFields, logWith } from '../../lib/log.ts';
import { CURATIONS, originId } from '../../model/objects.ts';
import { type LandInput, type LandOutput, land } from '../../stages/collect/land.ts';
import { type FoundFile, type PollInput, poll } from '../../stages/collect/poll.ts';
import type { PollOutput } from '../../stages/collect/poll-output.ts';
import { datasetOf, type StageContext } from '../../stages/context.ts';
import { type CurateInput, type CurateOutput, outputOf } from '../../stages/curate/curate.ts';
import { exportReferences } from '../../stages/curate/references.ts';
import type { ExtractOutput } from '../../stages/extract/extract.ts';
import { extractInput } from '../../stages/extract/keys.ts';
import { settleTroubles } from '../../stages/extract/troubles.ts';
import { datasetsOf, type LoadContext, type LoadInput, type LoadOutput, load } from '../../stages/load.ts';
import { type BeginInput, begin } from '../../stages/run/begin.ts';
import { waitsFor } from '../../stages/run/blocked.ts';
import { type DeadLetterInput, deadLetter, errorOf, resolution } from '../../stages/run/dead-letter.ts';
import { type FinishInput, failRun, finishRun } from '../../stages/run/finish.ts';
import { type PendingInput, type PendingOutput, pending } from '../../stages/run/pending.ts';
import { objectOf, plain, type VerifyInput, type VerifyOutput } from '../../stages/verify/verify.ts';
import { KeyedLock } from './keyed-lock.ts';
import type { RunEvent } from './run-events.ts';

/** Where parsing and computing happens: a pool of worker processes. */
export interface StageWorkers {
  run<Output>(stage: 'extract' | 'verify' | 'curate', input: unknown, call: StageCall): Promise<Output>;
}

export interface InvokerOptions {
  context: LoadContext;
  workers: StageWorkers;
  tell(run: string, event: RunEvent): void;
}

/** What log lines of an attempt carry. */
export function logFieldsOf(call: StageCall): LogFields {
  const { object, dataset } = (call.input ?? {}) as { object?: string; dataset?: string };
  return { run: call.execution.split(':')[0]!, step: call.stage, attempt: call.attempt, object, dataset };
}

type Handler = (input: never, call: StageCall) => Promise<unknown>;

/**
 * The function behind every Task of a machine. Stages of one object never overlap, whichever runs they belong to: pipelines of one source,
 * a replay and a backfill may meet at it. Errors: those of the stages.
 */
export function stageInvoker({ context: shared, workers, tell }: InvokerOptions): (call: StageCall) => Promise<Json> {
  const objects = new KeyedLock();
  const feeds = new KeyedLock();
  const within = (call: StageCall): LoadContext => ({
    ...shared,
    signal: call.signal,
    log: logWith(shared.log, logFieldsOf(call)),
  });

  const handlers: Record<string, Handler> = {
    begin: (input: BeginInput, call) => begin(input, within(call)),

    async poll(input: PollInput & { run: string }, call): Promise<PollOutput> {
      const output = await poll(input, within(call));
      await settleLetters('pipeline', `source ${input.source}`, input.run, within(call));
      tell(input.run, { type: 'polled', source: input.source, output });
      // What a person looks at stays out of the run's data.
      return { ...output, waiting: [], unclaimed: [] };
    },

    land: (input: { run: string; item: Omit<LandInput, 'run'> }, call) => landFile(input, within(call), tell),

    extract: (input: { run: string; item: FoundFile }, call) =>
      feeds.hold(`${input.item.source}|${input.item.file.path}`, async () => {
        const context = within(call);
        const feed = await extractInput(input, context);
        const output = await workers.run<ExtractOutput>('extract', feed, call);
        await settleLetters(
          'file',
          originId(datasetKey(input.item, context), input.item.file.path),
          input.run,
          context,
        );
        const { source } = input.item;
        if (output.troubles)
          for (const { dataset, error } of await settleTroubles(
            { run: input.run, source, feed: input.item.file.path, troubles: output.troubles },
            context,
          ))
            tell(input.run, { type: 'failed', what: `read ${source}.${dataset}`, error });
        for (const { object, path, bytes } of output.objects)
          tell(input.run, {
            type: 'landed',
            source: input.item.source,
            path,
            output: { object, bytes, outcome: 'new', resumedAt: 0 },
          });
        return { more: output.more, objects: output.objects.length };
      }),

    pending: (input: PendingInput, call): Promise<PendingOutput> => pending(input, within(call)),

    verify: (input: VerifyInput, call) =>
      objects.hold(input.object, async () => {
        await holdBack(input, within(call));
        const output = await workers.run<VerifyOutput>('verify', input, call);
        return afterVerify(input, output, within(call), tell);
      }),

    references: async (input: { dataset: string }, call) => ({
      references: await exportReferences(within(call), input.dataset),
    }),

    curate: (input: CurateInput & { run?: string }, call) =>
      objects.hold(input.object, async () => {
        const output = await workers.run<CurateOutput>('curate', input, call);
        if (output.status === 'quarantined') {
          const object = plain(await objectOf(shared, input.object));
          await settleLetters('object', object.id, call.execution, within(call));
          tell(input.run ?? call.execution, { type: 'quarantined', object, reasons: output.reasons });
        }
        return { dataset: input.dataset, curation: output.curation, status: output.status };
      }),

    load: (input: LoadInput, call) => objects.hold(input.object, () => loadObject(input, within(call), tell)),

    async 'dead-letter'(input: DeadLetterInput, call) {
      const output = await deadLetter(input, within(call));
      const error = errorOf(input.error);
      const item = input.item as { object?: string; source?: string; file?: { path: string } };
      const what =
        input.kind === 'object'
          ? plain(await objectOf(shared, item.object!)).file
          : input.kind === 'file'
            ? `land ${item.source}: ${item.file!.path}`
            : `poll ${item.source ?? ''}`;
      tell(input.run, { type: 'failed', what, error, ...(item.object !== undefined && { object: item.object }) });
      return output;
    },

    publish: (input: FinishInput, call) => finishRun(input, within(call)),

    'fail-run': (input: FinishInput & { error: { Error: string; Cause: string } }, call) =>
      failRun({ ...input, error: errorOf(input.error) }, within(call)),
  };

  return async (call) => {
    const handler = handlers[call.stage];
    if (!handler) throw new GranaryError('stage.bad_input', `There is no stage ${call.stage}.`);
    return ((await handler(call.input as never, call)) ?? null) as Json;
  };
}

function datasetKey({ source, dataset }: Pick<FoundFile, 'source' | 'dataset'>, context: StageContext): string {
  const { tenant } = context.project.sources.get(source) ?? { tenant: 'main' };
  return `${tenant}/${source}/${dataset}`;
}

async function landFile(
  { run, item }: { run: string; item: Omit<LandInput, 'run'> },
  context: StageContext,
  tell: InvokerOptions['tell'],
): Promise<{ object: string | null; dataset: string; outcome: LandOutput['outcome']; bytes: number }> {
  const dataset = datasetKey(item, context);
  const output = await land({ ...item, run }, context);
  await settleLetters('file', originId(dataset, item.file.path), run, context);
  tell(run, { type: 'landed', source: item.source, path: item.file.path, output });
  const isNew = output.outcome !== 'unchanged';
  return { object: isNew ? output.object! : null, dataset, outcome: output.outcome, bytes: output.bytes };
}

/** Errors: `verify.blocked`, which ends the object's part of the run quietly. */
async function holdBack({ object: id }: VerifyInput, context: StageContext): Promise<void> {
  const object = plain(await objectOf(context, id));
  const before = await waitsFor(object, datasetOf(context, object.dataset), context);
  if (before !== undefined)
    throw new GranaryError('verify.blocked', `${object.file} waits for ${before}, which the full disk has stopped.`, {
      where: { object: id },
    });
}

async function afterVerify(
  input: VerifyInput,
  output: VerifyOutput,
  context: StageContext,
  tell: InvokerOptions['tell'],
): Promise<{ object: string; status: VerifyOutput['status']; datasets: string[]; reasons: number }> {
  const object = plain(await objectOf(context, input.object));
  if (output.status === 'landed')
    throw new GranaryError(
      'verify.blocked',
      `${object.file} has the bytes of ${output.duplicateOf}, which is not loaded yet.`,
      {
        where: { object: object.id },
      },
    );
  if (output.status === 'quarantined') tell(input.run, { type: 'quarantined', object, reasons: output.reasons });
  if (output.status === 'duplicate') tell(input.run, { type: 'duplicate', object, records: output.records });
  if (output.status === 'quarantined' || output.status === 'duplicate')
    await settleLetters('object', object.id, input.run, context);
  return {
    object: object.id,
    status: output.status,
    datasets: output.status === 'verified' ? datasetsOf(context, object) : [],
    reasons: output.reasons.length,
  };
}

async function loadObject(
  input: LoadInput,
  context: LoadContext,
  tell: InvokerOptions['tell'],
): Promise<{ table: string; loaded: number }> {
  const output: LoadOutput = await load(input, context);
  const object = plain(await objectOf(context, input.object));
  const curation = (await context.state.get(CURATIONS, input.curation))!;
  if (object.status === 'loaded') await settleLetters('object', object.id, input.run, context);
  tell(input.run, { type: 'loaded', object, dataset: input.dataset, curated: outputOf(curation), output });
  return { table: output.table, loaded: output.loaded };
}

/** What has come to its end after all is no dead letter any more. */
async function settleLetters(
  kind: 'file' | 'object' | 'pipeline',
  ref: string,
  run: string,
  context: StageContext,
): Promise<void> {
  const writes = await resolution(kind, ref, run, context);
  if (writes.length > 0) await context.state.transact(writes);
}

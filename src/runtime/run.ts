/** A run: collect everything that is new, then take every landed object through verify, curate and load. A plain sequence of stages. */
import { randomBytes } from 'node:crypto';
import { asGranaryError, type SerializedError } from '../lib/errors.ts';
import { redact } from '../lib/redact.ts';
import { retrying } from '../lib/retry.ts';
import { addBooks, BOOKS, EMPTY_BOOKS } from '../model/books.ts';
import { OBJECTS, type ObjectDoc, toPublish } from '../model/objects.ts';
import { RUNS, type RunDoc } from '../model/runs.ts';
import { isoNow } from '../ports/clock.ts';
import { readObject } from '../ports/object-store.ts';
import { putWrite } from '../ports/state-store.ts';
import { type LandOutput, land } from '../stages/collect/land.ts';
import { type FoundFile, type PollOutput, poll } from '../stages/collect/poll.ts';
import type { CurateOutput } from '../stages/curate/curate.ts';
import { exportReferences } from '../stages/curate/references.ts';
import { datasetsOf, type LoadOutput, load } from '../stages/load.ts';
import { publish } from '../stages/publish.ts';
import type { VerifyOutput } from '../stages/verify/verify.ts';
import { plain } from '../stages/verify/verify.ts';
import { processingOrder } from './order.ts';
import type { Runtime } from './runtime.ts';

export type RunEvent =
  | { type: 'polled'; source: string; output: PollOutput }
  | { type: 'landed'; source: string; path: string; output: LandOutput }
  | { type: 'quarantined'; object: ObjectDoc; reasons: { code: string; message: string }[] }
  | { type: 'duplicate'; object: ObjectDoc; records: number }
  | { type: 'loaded'; object: ObjectDoc; dataset: string; curated: CurateOutput; output: LoadOutput }
  | { type: 'retry'; what: string; error: SerializedError; attempt: number }
  | { type: 'failed'; what: string; object?: string; error: SerializedError };

export interface RunRequest {
  /** As typed, for the record. */
  command: string;
  /** Names of sources; all if not given. */
  sources?: string[];
  /** Do not look for new files: only go on with what has landed. */
  skipCollect?: boolean;
  onEvent?: (event: RunEvent) => void;
  signal?: AbortSignal;
}

const ATTEMPTS = 3;
const FIRST_DELAY_MS = 500;

/** Runs once through everything. Errors of single sources and objects are in the result; the others go on. */
export async function run(runtime: Runtime, request: RunRequest): Promise<RunDoc> {
  const session = await begin(runtime, request);
  try {
    if (!request.skipCollect) {
      for (const source of runtime.project.sources.keys()) {
        if (!request.sources || request.sources.includes(source)) await collect(session, source);
      }
    }
    await process(session);
  } catch (e) {
    session.fail('run', e);
  }
  return finish(session);
}

interface Session {
  runtime: Runtime;
  request: RunRequest;
  doc: RunDoc;
  emit(event: RunEvent): void;
  fail(what: string, error: unknown, object?: string): void;
  /** Transient errors are tried again. */
  attempt<T>(what: string, act: () => Promise<T>): Promise<T>;
}

async function begin(runtime: Runtime, request: RunRequest): Promise<Session> {
  const { state, clock } = runtime.context;
  for await (const old of state.query(RUNS, { index: 'status', equals: ['running'] })) {
    const ended: RunDoc = { ...plain<RunDoc>(old), status: 'interrupted', endedAt: isoNow(clock) };
    await state.transact([putWrite(RUNS, ended), toPublish('run', old.id)]);
  }
  const startedAt = isoNow(clock);
  const doc: RunDoc = {
    id: `${startedAt.replaceAll(/[-:]|\.\d+/g, '')}-${randomBytes(3).toString('hex')}`,
    startedAt,
    endedAt: null,
    status: 'running',
    command: redact(request.command),
    totals: EMPTY_BOOKS,
    landed: 0,
    quarantined: 0,
    errors: [],
  };
  await state.put(RUNS, doc);
  const emit = (event: RunEvent) => request.onEvent?.(event);
  return {
    runtime,
    request,
    doc,
    emit,
    fail(what, e, object) {
      const error = asGranaryError(e);
      const shown = { ...error.toJSON(), message: redact(error.message) };
      doc.errors.push(shown);
      emit({ type: 'failed', what, error: shown, ...(object !== undefined && { object }) });
    },
    attempt: (what, act) =>
      retrying(
        () => {
          request.signal?.throwIfAborted();
          return act();
        },
        {
          attempts: ATTEMPTS,
          firstDelayMs: FIRST_DELAY_MS,
          sleep: (ms) => clock.sleep(ms, request.signal),
          onRetry: (e, attempt) => emit({ type: 'retry', what, error: asGranaryError(e).toJSON(), attempt }),
        },
      ),
  };
}

async function collect(session: Session, source: string): Promise<void> {
  const { context, project } = session.runtime;
  let polled: PollOutput;
  try {
    polled = await session.attempt(`poll ${source}`, () =>
      poll({ source, list: `runs/${session.doc.id}/${source}.jsonl` }, context),
    );
  } catch (e) {
    session.fail(`poll ${source}`, e);
    return;
  }
  session.emit({ type: 'polled', source, output: polled });
  const files = await readList(session, polled.list);
  if (files.length > 0) session.runtime.workers.warm();
  await inParallel(files, project.sources.get(source)!.config.transfers, async (found) => {
    try {
      const output = await session.attempt(found.file.path, () => land({ ...found, source }, context));
      if (output.object !== undefined && output.outcome !== 'unchanged') {
        session.doc.landed++;
      }
      session.emit({ type: 'landed', source, path: found.file.path, output });
    } catch (e) {
      session.fail(`land ${source}: ${found.file.path}`, e);
    }
  });
  await context.objects.remove(polled.list);
}

async function readList(session: Session, key: string): Promise<FoundFile[]> {
  const text = (await readObject(session.runtime.context.objects, key)).toString('utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as FoundFile);
}

async function inParallel<T>(items: T[], limit: number, act: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: Math.min(limit, items.length) }, async () => {
      for (const item of queue) await act(item);
    }),
  );
}

/** Takes every object that is not at its end further, dataset by dataset, oldest first. */
async function process(session: Session): Promise<void> {
  const { project, context } = session.runtime;
  for (const dataset of processingOrder(project)) {
    if (session.request.sources && !session.request.sources.includes(dataset.source)) continue;
    const pending: ObjectDoc[] = [];
    for (const status of ['landed', 'verified'] as const) {
      for await (const object of context.state.query(OBJECTS, { index: 'status', equals: [status, dataset.key] }))
        pending.push(plain<ObjectDoc>(object));
    }
    pending.sort((a, b) => (a.order < b.order ? -1 : 1));
    const waiting: ObjectDoc[] = [];
    await pipelined(
      pending,
      project.config.workers.count,
      (object) => prepare(session, object),
      async (object, prepared) => {
        if (prepared instanceof Error) session.fail(object.file, prepared, object.id);
        else if (prepared.verified.status === 'landed') waiting.push(object);
        else await loadAll(session, object, prepared);
      },
    );
    await finishWaiting(session, waiting);
    session.request.signal?.throwIfAborted();
  }
}

/**
 * One after the other: objects with the bytes of an older one, which is loaded or set aside by now. Where it failed they stay as they
 * are, and the next run takes them with it.
 */
async function finishWaiting(session: Session, waiting: ObjectDoc[]): Promise<void> {
  for (const object of waiting) {
    try {
      await loadAll(session, object, await prepare(session, object));
    } catch (e) {
      session.fail(object.file, e, object.id);
    }
  }
}

/** Prepares up to `ahead` items while earlier ones are being finished, strictly in order. */
async function pipelined<T, P>(
  items: T[],
  ahead: number,
  prepare: (item: T) => Promise<P>,
  finish: (item: T, prepared: P | Error) => Promise<void>,
): Promise<void> {
  const running: Promise<P | Error>[] = [];
  const start = (i: number) => {
    running[i] = prepare(items[i]!).catch((e: unknown) => asGranaryError(e));
  };
  for (let i = 0; i < items.length; i++) {
    for (let j = running.length; j <= i + ahead && j < items.length; j++) start(j);
    await finish(items[i]!, await running[i]!);
    delete running[i];
  }
}

interface Prepared {
  verified: VerifyOutput;
  curated: { dataset: string; output: CurateOutput }[];
}

/** Verify and curate, in a worker. */
async function prepare(session: Session, object: ObjectDoc): Promise<Prepared> {
  const { workers, context } = session.runtime;
  const { signal } = session.request;
  const verified = await session.attempt(object.file, () =>
    workers.run<VerifyOutput>('verify', { object: object.id, run: session.doc.id }, signal),
  );
  const out: Prepared = { verified, curated: [] };
  if (verified.status !== 'verified') return out;
  for (const key of datasetsOf(context, object)) {
    const references = await exportReferences(context, key);
    const output = await session.attempt(object.file, () =>
      workers.run<CurateOutput>('curate', { object: object.id, dataset: key, references }, signal),
    );
    out.curated.push({ dataset: key, output });
    if (output.status === 'quarantined') break;
  }
  return out;
}

async function loadAll(session: Session, object: ObjectDoc, prepared: Prepared): Promise<void> {
  const held = prepared.curated.find((c) => c.output.status === 'quarantined')?.output ?? prepared.verified;
  if (held.status === 'quarantined') {
    session.doc.quarantined++;
    session.emit({ type: 'quarantined', object, reasons: held.reasons });
    return;
  }
  if (prepared.verified.status === 'duplicate') {
    const { duplicateOf, records } = prepared.verified;
    session.emit({ type: 'duplicate', object: { ...object, status: 'duplicate', duplicateOf }, records });
    return;
  }
  for (const { dataset, output: curated } of prepared.curated) {
    try {
      const output = await session.attempt(object.file, () =>
        load({ run: session.doc.id, object: object.id, dataset, curation: curated.curation }, session.runtime.context),
      );
      session.emit({ type: 'loaded', object, dataset, curated, output });
    } catch (e) {
      session.fail(object.file, e, object.id);
    }
  }
}

async function finish(session: Session): Promise<RunDoc> {
  const { context } = session.runtime;
  const { doc } = session;
  for await (const b of context.state.query(BOOKS, { index: 'run', equals: [doc.id] }))
    doc.totals = addBooks(doc.totals, b);
  doc.endedAt = isoNow(context.clock);
  doc.status = session.request.signal?.aborted ? 'interrupted' : doc.errors.length > 0 ? 'failed' : 'succeeded';
  try {
    await context.state.transact([putWrite(RUNS, doc), toPublish('run', doc.id)]);
    await publish(context);
  } catch (e) {
    // What has happened is in the stores; the next run publishes it.
    session.fail('publish', e);
    doc.status = 'failed';
  }
  return doc;
}

/**
 * Starts pipelines on behalf of schedules, arrivals and events. The decision is written before the orchestrator is asked, under a run id
 * that follows from what made the pipeline due: a crash in between starts nothing twice and forgets nothing.
 */
import { asGranaryError, GranaryError } from '../../lib/errors.ts';
import {
  FIRES,
  type FireDoc,
  type FireMark,
  type FireTrigger,
  SCHEDULES,
  type ScheduleDoc,
} from '../../model/schedules.ts';
import { type Clock, isoNow } from '../../ports/clock.ts';
import { putWrite, type StateStore, type Write } from '../../ports/state-store.ts';
import type { Pipeline } from '../../project/pipelines.ts';
import { removeWrite } from '../state-writes.ts';

export interface StartOptions {
  state: StateStore;
  clock: Clock;
  pipelines: readonly Pipeline[];
  /** Starts a run under `id`; starting an id again is the same run. Resolves once that is durable. Errors: transient ones are tried again. */
  start(
    pipeline: Pipeline,
    request: { id: string; input: Record<string, unknown>; reason: string; dueAt: string | null },
  ): Promise<string>;
  isRunning(pipeline: string): Promise<boolean>;
  /** Ends what runs of a pipeline; resolves when it has ended. For `overlap: replace`. */
  stopRunning(pipeline: string, cause: string): Promise<void>;
  isPaused(pipeline: string): Promise<boolean>;
  /** Something could not be started; it is tried again when the error is transient. */
  onError?(error: GranaryError, pipeline: string): void;
}

export interface FireRequest {
  /** The run's. */
  id: string;
  pipeline: string;
  trigger: FireTrigger;
  /** Milliseconds since 1970. */
  due?: number;
  /** A sentence for people. */
  reason: string;
  /** Must follow from the id: the same id has the same input. */
  input: Record<string, unknown>;
  /** Waits for the run before it whatever the policy says. */
  queue?: boolean;
  /** One that waits already stands for this one too. */
  coalesce?: boolean;
  /** It will come again soon: when it is skipped as the one before it was, that is not recorded again. */
  quiet?: boolean;
  /** What is known of the schedule after this. */
  schedule?: { nextDue: string | null };
}

export interface FireResult {
  status: FireDoc['status'];
  /** The run that was started or will be. */
  run: string | null;
  reason: string;
}

/** Fires that wait behind a run, by pipeline. */
const QUEUE_LIMIT = 1000;
/** Fires kept for people to look back at, by pipeline. */
const KEPT = 200;

export class Starter {
  readonly #options: StartOptions;
  readonly #state: StateStore;
  readonly #pipelines: Map<string, Pipeline>;
  /** Ids in order, by pipeline. */
  readonly #queues = new Map<string, string[]>();
  /** Fires whose start failed for now. */
  readonly #unsure = new Set<string>();
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #sincePruned = new Map<string, number>();

  constructor(options: StartOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#pipelines = new Map(options.pipelines.map((p) => [p.name, p]));
  }

  /** After a start of the process: starts what was decided and not surely done, and takes up the queues. */
  async recover(): Promise<void> {
    const open: FireDoc[] = [];
    for (const status of ['starting', 'queued'] as const)
      for await (const doc of this.#state.query(FIRES, { index: 'status', equals: [status] })) open.push(doc);
    for (const fire of open) {
      if (!this.#pipelines.has(fire.pipeline))
        await this.#record({ ...fire, status: 'skipped', reason: 'The pipeline is not in the project any more.' });
      else if (fire.status === 'queued') this.#queueOf(fire.pipeline).push(fire.id);
      else await this.#inTurn(fire.pipeline, () => this.#start(fire));
    }
  }

  /** Starts, queues or skips it, as the pipeline's overlap policy says. The same id again gives what became of it. */
  fire(request: FireRequest): Promise<FireResult> {
    return this.#inTurn(request.pipeline, () => this.#fire(request));
  }

  /** Records that times of a schedule were left out. */
  async skip(request: FireRequest, reason: string): Promise<void> {
    await this.#inTurn(request.pipeline, () => this.#skip(request, reason));
  }

  /** A run of the pipeline has ended: the next in the queue starts. */
  async ended(pipeline: string): Promise<void> {
    await this.#inTurn(pipeline, () => this.#next(pipeline));
  }

  /** Tries again what could not be started, and queues that nobody has moved on. */
  async retry(): Promise<void> {
    for (const id of [...this.#unsure]) {
      const fire = await this.#state.get(FIRES, id);
      this.#unsure.delete(id);
      if (fire?.status === 'starting') await this.#inTurn(fire.pipeline, () => this.#start(fire));
    }
    for (const [pipeline, queue] of this.#queues) if (queue.length > 0) await this.ended(pipeline);
  }

  /** Fires that could not be started for now. */
  get unsure(): number {
    return this.#unsure.size;
  }

  queued(pipeline: string): number {
    return this.#queues.get(pipeline)?.length ?? 0;
  }

  async #fire(request: FireRequest): Promise<FireResult> {
    const pipeline = this.#pipelines.get(request.pipeline);
    if (!pipeline) throw new GranaryError('run.not_found', `There is no pipeline "${request.pipeline}".`);
    const known = await this.#state.get(FIRES, request.id);
    if (known) {
      if (request.schedule) await this.#record(known, request.schedule);
      return known.status === 'starting' ? this.#start(known) : resultOf(known);
    }
    if (await this.#options.isPaused(pipeline.name)) return this.#skip(request, 'The pipeline is paused.');

    const queue = this.#queueOf(pipeline.name);
    if (queue.length > 0 || (await this.#options.isRunning(pipeline.name))) {
      const overlap = request.queue && pipeline.overlap === 'skip' ? 'queue' : pipeline.overlap;
      if (overlap === 'skip') return this.#skip(request, 'The run before it has not ended.');
      if (overlap === 'queue') return this.#enqueue(request, queue);
      await this.#options.stopRunning(pipeline.name, `Replaced: ${request.reason}`);
    }
    const fire = this.#fireOf(request, 'starting', request.reason);
    await this.#record(fire, request.schedule);
    return this.#start(fire);
  }

  async #enqueue(request: FireRequest, queue: string[]): Promise<FireResult> {
    if (request.coalesce && queue.length > 0)
      return { status: 'queued', run: queue[0]!, reason: 'A run that takes this as well waits already.' };
    if (queue.length >= QUEUE_LIMIT) return this.#skip(request, `${QUEUE_LIMIT} runs wait already.`);
    const fire = this.#fireOf(request, 'queued', request.reason);
    await this.#record(fire, request.schedule);
    queue.push(fire.id);
    return resultOf(fire);
  }

  async #skip(request: FireRequest, reason: string): Promise<FireResult> {
    const fire = this.#fireOf(request, 'skipped', reason);
    const last = request.quiet ? (await this.#state.get(SCHEDULES, request.pipeline))?.lastSkipped : undefined;
    if (last?.reason !== reason) await this.#record(fire, request.schedule);
    return resultOf(fire);
  }

  async #next(name: string): Promise<void> {
    const queue = this.#queueOf(name);
    while (queue.length > 0) {
      if ((await this.#options.isPaused(name)) || (await this.#options.isRunning(name))) return;
      const fire = await this.#state.get(FIRES, queue[0]!);
      if (fire?.status === 'queued') {
        const starting: FireDoc = { ...fire, status: 'starting' };
        await this.#record(starting);
        queue.shift();
        await this.#start(starting);
        return;
      }
      queue.shift();
    }
  }

  async #start(fire: FireDoc): Promise<FireResult> {
    const pipeline = this.#pipelines.get(fire.pipeline)!;
    try {
      const { id, input, reason, dueAt } = fire;
      await this.#options.start(pipeline, { id, input, reason, dueAt });
    } catch (e) {
      const error = asGranaryError(e);
      this.#options.onError?.(error, pipeline.name);
      if (error.transient) {
        this.#unsure.add(fire.id);
        return resultOf(fire);
      }
      const failed: FireDoc = { ...fire, status: 'failed', reason: error.message };
      await this.#record(failed);
      return resultOf(failed);
    }
    const started: FireDoc = { ...fire, status: 'started' };
    await this.#record(started);
    return resultOf(started);
  }

  #fireOf({ id, pipeline, trigger, due, input }: FireRequest, status: FireDoc['status'], reason: string): FireDoc {
    const dueAt = due === undefined ? null : new Date(due).toISOString();
    return { id, pipeline, status, trigger, dueAt, at: isoNow(this.#options.clock), reason, input };
  }

  /** The fire and what it means for the schedule, at once. */
  async #record(fire: FireDoc, schedule?: { nextDue: string | null }): Promise<void> {
    const { rev: _, ...doc } = { rev: 0, ...fire };
    const known = await this.#state.get(SCHEDULES, fire.pipeline);
    const mark: FireMark = {
      at: fire.at,
      dueAt: fire.dueAt,
      trigger: fire.trigger,
      reason: fire.reason,
      run: fire.status === 'skipped' ? null : fire.id,
    };
    const { rev: __, ...before } = known ?? { rev: 0, ...emptySchedule(fire.pipeline) };
    const after: ScheduleDoc = {
      ...before,
      ...(schedule && { nextDue: schedule.nextDue, lastDue: fire.dueAt }),
      ...(fire.status === 'started' && { lastStarted: mark }),
      ...((fire.status === 'skipped' || fire.status === 'failed') && { lastSkipped: mark }),
    };
    const old = await this.#outdated(fire.pipeline);
    await this.#state.transact([putWrite(FIRES, doc), putWrite(SCHEDULES, after), ...old]);
  }

  /** Every now and then the fires that are more than is kept. */
  async #outdated(pipeline: string): Promise<Write[]> {
    const since = (this.#sincePruned.get(pipeline) ?? KEPT) + 1;
    this.#sincePruned.set(pipeline, since > KEPT / 4 ? 0 : since);
    if (since <= KEPT / 4) return [];
    const old: Write[] = [];
    let seen = 0;
    for await (const { id, status } of this.#state.query(FIRES, {
      index: 'pipeline',
      equals: [pipeline],
      descending: true,
    })) {
      if (++seen <= KEPT || status === 'queued' || status === 'starting') continue;
      old.push(removeWrite(FIRES, id));
      if (old.length === 90) break;
    }
    return old;
  }

  #queueOf(pipeline: string): string[] {
    const queue = this.#queues.get(pipeline) ?? [];
    this.#queues.set(pipeline, queue);
    return queue;
  }

  /** One decision at a time for each pipeline. */
  #inTurn<T>(pipeline: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(pipeline) ?? Promise.resolve()).catch(() => undefined).then(work);
    this.#turns.set(pipeline, turn);
    return turn;
  }
}

export function emptySchedule(pipeline: string): ScheduleDoc {
  return { id: pipeline, definition: '', nextDue: null, lastDue: null, lastStarted: null, lastSkipped: null };
}

function resultOf({ id, status, reason }: FireDoc): FireResult {
  return { status, run: status === 'skipped' || status === 'failed' ? null : id, reason };
}

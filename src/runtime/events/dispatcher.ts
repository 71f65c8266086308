/**
 * Takes events out of the outbox and gives each to every subscriber: at least once, in the order of time, one after the other for each
 * subscriber. What a subscriber returns is written in one transaction with the mark that the event is done, so those writes happen
 * exactly once. An event on which a subscriber fails is tried again later and holds up neither the events behind it nor the others.
 * Events that all have are removed.
 *
 * Events are not followed by a position: two transactions may commit in another order than their times, and a position would pass over
 * the late one. An event is open until every subscriber has a mark on it.
 */
import { asGranaryError, GranaryError } from '../../lib/errors.ts';
import { EVENTS, type EventDoc } from '../../model/events.ts';
import type { Clock } from '../../ports/clock.ts';
import { type Collection, putWrite, type StateStore, type Versioned, type Write } from '../../ports/state-store.ts';
import { removeWrite } from '../state-writes.ts';
import { Wakeable } from '../wakeable.ts';

/** Writes go into the transaction that marks the event as done: at most 99. With a `state.conflict` the handler is asked again. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that writes nothing need not return.
export type EventHandler = (event: EventDoc) => Promise<Write[] | void>;

/** A subscriber is done with an event that is still in the outbox. Id: `event|subscriber`. */
export interface EventMarkDoc {
  id: string;
  event: string;
  subscriber: string;
}
export const EVENT_MARKS: Collection<EventMarkDoc> = { name: 'event_marks', indexes: { event: ['event'] } };

export interface DispatcherOptions {
  state: StateStore;
  clock: Clock;
  /** How often the outbox is looked at when nobody has called `notify`. */
  sweepMs?: number;
  /** A handler failed; `final`: the event is not given to it again. */
  onError?(error: GranaryError, event: EventDoc | undefined, subscriber: string, final: boolean): void;
}

/** Events that are taken out of the outbox at once. */
const BATCH = 500;
/** Marks of events without writes are made together. */
const MARKS = 50;
/** A terminal error is tried so often; transient ones for ever. */
const TERMINAL_TRIES = 5;
const CONFLICT_TRIES = 5;

interface Waiting {
  tries: number;
  until: number;
}

export class EventDispatcher {
  readonly #options: DispatcherOptions;
  readonly #state: StateStore;
  readonly #clock: Clock;
  readonly #subscribers = new Map<string, EventHandler>();
  /** By event: who is done. */
  #marks: Map<string, Set<string>> | undefined;
  /** By `event|subscriber`: who has failed. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #pause: Wakeable;
  #turn: Promise<void> = Promise.resolve();
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#clock = options.clock;
    this.#pause = new Wakeable(options.clock);
  }

  /** Before `start`. The name is durable: marks are made under it. */
  subscribe(name: string, handler: EventHandler): void {
    if (this.#subscribers.has(name)) throw new GranaryError('internal', `two subscribers are called "${name}"`);
    this.#subscribers.set(name, handler);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Something was written to the outbox: look now. */
  notify(): void {
    this.#pause.wake();
  }

  /** Gives out everything that is in the outbox now, but for what waits for another try. Errors: those of the state store. */
  drain(): Promise<void> {
    const turn = this.#turn.catch(() => undefined).then(() => this.#giveAll());
    this.#turn = turn;
    return turn;
  }

  /** Ends after the events that are being handled. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pause.wake();
    await this.#running;
    await this.#turn.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const sweep = this.#options.sweepMs ?? 5000;
    while (!this.#stopped) {
      try {
        await this.drain();
      } catch (e) {
        this.#options.onError?.(asGranaryError(e), undefined, '', false);
      }
      if (this.#stopped) return;
      const retry = Math.min(...[...this.#waiting.values()].map((w) => w.until - this.#clock.now()));
      await this.#pause.sleep(Math.min(sweep, retry));
    }
  }

  async #giveAll(): Promise<void> {
    this.#marks ??= await this.#loadMarks();
    for (let more = true; more && !this.#stopped; ) {
      const { events, full } = await this.#open();
      await Promise.all([...this.#subscribers].map(([name, handler]) => this.#giveTo(name, handler, events)));
      await this.#prune(events);
      more = full;
    }
  }

  async #loadMarks(): Promise<Map<string, Set<string>>> {
    const marks = new Map<string, Set<string>>();
    for await (const { event, subscriber } of this.#state.query(EVENT_MARKS))
      marks.set(event, (marks.get(event) ?? new Set()).add(subscriber));
    return marks;
  }

  /** The oldest events that somebody can be given now, or that all have. */
  async #open(): Promise<{ events: Versioned<EventDoc>[]; full: boolean }> {
    const events: Versioned<EventDoc>[] = [];
    for await (const event of this.#state.query(EVENTS, { index: 'at' })) {
      const missing = [...this.#subscribers.keys()].filter((name) => !this.#isDone(event.id, name));
      if (missing.length === 0 || missing.some((name) => this.#isDue(event.id, name))) events.push(event);
      if (events.length >= BATCH) return { events, full: true };
    }
    return { events, full: false };
  }

  #isDone(event: string, subscriber: string): boolean {
    return this.#marks!.get(event)?.has(subscriber) ?? false;
  }

  #isDue(event: string, subscriber: string): boolean {
    const waiting = this.#waiting.get(`${event}|${subscriber}`);
    return !waiting || waiting.until <= this.#clock.now();
  }

  async #giveTo(subscriber: string, handler: EventHandler, events: EventDoc[]): Promise<void> {
    let done: EventDoc[] = [];
    const flush = async () => {
      if (done.length > 0) await this.#state.transact(done.map((event) => markWrite(event, subscriber)));
      for (const event of done) this.#marked(event, subscriber);
      done = [];
    };
    for (const event of events) {
      if (this.#stopped) break;
      if (this.#isDone(event.id, subscriber) || !this.#isDue(event.id, subscriber)) continue;
      try {
        if (!(await this.#handle(event, subscriber, handler))) done.push(event);
      } catch (e) {
        if (this.#failed(asGranaryError(e), event, subscriber)) done.push(event);
      }
      if (done.length >= MARKS) await flush();
    }
    await flush();
  }

  /** True when the event was marked with its writes. */
  async #handle(event: EventDoc, subscriber: string, handler: EventHandler): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      const writes = await handler(event);
      if (!writes || writes.length === 0) return false;
      try {
        await this.#state.transact([...writes, markWrite(event, subscriber)]);
        this.#marked(event, subscriber);
        return true;
      } catch (e) {
        if (!isConflict(e) || tries >= CONFLICT_TRIES) throw e;
      }
    }
  }

  #marked(event: EventDoc, subscriber: string): void {
    this.#marks!.set(event.id, (this.#marks!.get(event.id) ?? new Set()).add(subscriber));
    this.#waiting.delete(`${event.id}|${subscriber}`);
  }

  /** Whether it is given up. */
  #failed(error: GranaryError, event: EventDoc, subscriber: string): boolean {
    const key = `${event.id}|${subscriber}`;
    const tries = (this.#waiting.get(key)?.tries ?? 0) + 1;
    const final = !error.transient && error.code !== 'state.conflict' && tries >= TERMINAL_TRIES;
    this.#options.onError?.(error, event, subscriber, final);
    if (!final) {
      const delay = Math.min(300_000, 1000 * 2 ** (tries - 1));
      this.#waiting.set(key, { tries, until: this.#clock.now() + delay });
    }
    return final;
  }

  /** Removes events that all are done with. One that was written again in the meantime loses its marks only: it is given out again. */
  async #prune(events: Versioned<EventDoc>[]): Promise<void> {
    const names = [...this.#subscribers.keys()];
    const done = events.filter((event) => names.every((name) => this.#isDone(event.id, name)));
    const removals = done.map((event) => this.#removalOf(event));
    for (const batch of batches(removals, 100)) {
      try {
        await this.#state.transact(batch.flat());
      } catch (e) {
        if (!isConflict(e)) throw e;
        for (const [event, ...marks] of batch) {
          await this.#state.transact([event!, ...marks]).catch(async (again) => {
            if (!isConflict(again)) throw again;
            if (marks.length > 0) await this.#state.transact(marks);
          });
        }
      }
    }
    for (const event of done) this.#marks!.delete(event.id);
  }

  /** The event first, then its marks. */
  #removalOf({ id, rev }: Versioned<EventDoc>): Write[] {
    const marks = [...(this.#marks!.get(id) ?? [])].map((name) => removeWrite(EVENT_MARKS, `${id}|${name}`));
    return [removeWrite(EVENTS, id, { rev }), ...marks];
  }
}

const isConflict = (e: unknown) => e instanceof GranaryError && e.code === 'state.conflict';

/** Groups of groups that together have at most `limit` members. */
function batches<T>(groups: T[][], limit: number): T[][][] {
  const out: T[][][] = [];
  let room = 0;
  for (const group of groups) {
    if (group.length > room) {
      out.push([]);
      room = limit;
    }
    out.at(-1)!.push(group);
    room -= group.length;
  }
  return out;
}

function markWrite(event: EventDoc, subscriber: string): Write {
  return putWrite(EVENT_MARKS, { id: `${event.id}|${subscriber}`, event: event.id, subscriber });
}

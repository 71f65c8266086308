/**
 * Takes what is due for one channel out of the outbox and sends it.
 *
 * At least once, and nearly always once: an entry is claimed durably (`sending`, with the message as it goes out) before it is sent, and
 * recorded durably after. A process that dies in between leaves the claim; when it runs out the message goes out again, to the letter and
 * under the same mark (Message-ID, idempotency key). So a receiver sees a message twice only when the process died, or the connection
 * broke, between the server's taking it and our record of that.
 */
import { asGranaryError, type GranaryError } from '../../lib/errors.ts';
import { redact } from '../../lib/redact.ts';
import { NOTIFICATIONS, type NotificationDoc } from '../../model/notifications.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Message, NotifierChannel } from '../../ports/notifier.ts';
import { putWrite, type StateStore, type Versioned, type Write } from '../../ports/state-store.ts';
import type { NotificationsConfig } from '../../project/specs/notifications.ts';
import { type ComposeSettings, compose } from './compose.ts';
import { planChannel, type RecentlySent, retryDelayMs } from './grouping.ts';
import { iso, summaryOf } from './outbox.ts';

/** How long a claim holds. Longer than `SEND_LIMIT_MS`, so that no message is sent while another process takes it. */
export const CLAIM_MS = 180_000;
const SEND_LIMIT_MS = 120_000;
/** What is being sent when the process is asked to stop may end for so long. */
const STOP_GRACE_MS = 5000;
const MAX_WRITES = 90;

export interface DeliveryContext {
  state: StateStore;
  clock: Clock;
  settings: NotificationsConfig;
  composing: ComposeSettings;
  onProblem(error: GranaryError, entry: NotificationDoc): void;
}

type Entry = Versioned<NotificationDoc>;

export class ChannelDelivery {
  readonly name: string;
  readonly #channel: NotifierChannel;
  readonly #context: DeliveryContext;
  /** The server cannot be reached: nothing is tried before. Milliseconds since 1970. */
  #pausedUntil = 0;
  #failures = 0;
  /** Sent, but the record could not be written: it is written first thing next time, and nothing is sent again. */
  readonly #unrecorded = new Map<string, Write[]>();

  constructor(name: string, channel: NotifierChannel, context: DeliveryContext) {
    this.name = name;
    this.#channel = channel;
    this.#context = context;
  }

  /** Sends what is due. Errors are those of the state store; those of sending are recorded in the entries. */
  async serve(signal: AbortSignal): Promise<void> {
    const { clock, settings } = this.#context;
    for (const [id, writes] of this.#unrecorded) await this.#record(id, writes);
    await this.#takeBack();
    const now = clock.now();
    if (now < this.#pausedUntil) return;
    const due = await this.#inOrder(await this.#due(now), now);
    if (due.length === 0) return;
    const plan = planChannel(due, { now, recent: await this.#recent(now), settings });
    await this.#write(
      plan.hold.map(({ entry, until, quiet }) =>
        putWrite(NOTIFICATIONS, { ...entry, dueAt: iso(until), held: entry.held || quiet }, { rev: entry.rev }),
      ),
    );
    const toSend = plan.merge.length > 0 ? [...plan.send, await this.#merge(plan.merge, now)] : plan.send;
    for (const entry of toSend.sort((a, b) => (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : 0))) {
      if (signal.aborted || clock.now() < this.#pausedUntil) return;
      await this.#send(entry, signal);
    }
  }

  /** Milliseconds since 1970 of the next thing to do, or Infinity. */
  async nextAt(): Promise<number> {
    const { state } = this.#context;
    let next = Number.POSITIVE_INFINITY;
    for (const status of ['pending', 'sending'])
      for await (const e of state.query(NOTIFICATIONS, {
        index: 'channel',
        equals: [this.name, status],
        limit: 1,
      }))
        next = Math.min(next, Date.parse(e.dueAt));
    return Math.max(next, this.#pausedUntil);
  }

  /** Claims that have run out: their process died, and whether the message went out is not known. */
  async #takeBack(): Promise<void> {
    const { state, clock } = this.#context;
    const now = iso(clock.now());
    const lost: Entry[] = [];
    for await (const e of state.query(NOTIFICATIONS, { index: 'channel', equals: [this.name, 'sending'] })) {
      if (e.dueAt > now) break;
      lost.push(e);
    }
    const error = 'the process ended while this was being sent';
    await this.#write(
      lost.map((e) => putWrite(NOTIFICATIONS, { ...e, status: 'pending', dueAt: now, error }, { rev: e.rev })),
    );
  }

  async #due(now: number): Promise<Entry[]> {
    const due: Entry[] = [];
    const query = { index: 'channel', equals: [this.name, 'pending'] };
    for await (const entry of this.#context.state.query(NOTIFICATIONS, query)) {
      if (entry.dueAt > iso(now)) break;
      due.push(entry);
    }
    return due;
  }

  /**
   * What tells of a problem goes out in the order in which it was made: nobody hears that it is over before that it has begun. What is due before
   * something older of the same problem, which is tried again later, waits as long.
   */
  async #inOrder(due: readonly Entry[], now: number): Promise<Entry[]> {
    const ready: Entry[] = [];
    const writes: Write[] = [];
    for (const entry of due) {
      const older = entry.incident === null ? undefined : await this.#olderThan(entry);
      if (!older) ready.push(entry);
      else if (older.dueAt > iso(now))
        writes.push(putWrite(NOTIFICATIONS, { ...entry, dueAt: older.dueAt }, { rev: entry.rev }));
    }
    await this.#write(writes);
    return ready;
  }

  async #olderThan({ id, group, createdAt }: Entry): Promise<Entry | undefined> {
    const query = { index: 'group', equals: [group, this.name, 'pending'] };
    for await (const e of this.#context.state.query(NOTIFICATIONS, query))
      if (e.id !== id && e.recipients === null && e.createdAt < createdAt) return e;
    return undefined;
  }

  async #recent(now: number): Promise<RecentlySent[]> {
    const since = iso(now - this.#context.settings.storm.within * 1000);
    const query = { index: 'channel', equals: [this.name, 'sent'], descending: true };
    const recent: RecentlySent[] = [];
    for await (const { dueAt, kind } of this.#context.state.query(NOTIFICATIONS, query)) {
      if (dueAt <= since) break;
      recent.push({ at: Date.parse(dueAt), kind });
    }
    return recent;
  }

  /** Each transaction moves some entries into the summary, so a kill leaves every entry either waiting or told. */
  async #merge(entries: readonly Entry[], now: number): Promise<Entry> {
    const { state } = this.#context;
    let summary: Entry | undefined;
    for (let from = 0; from < entries.length; from += MAX_WRITES) {
      const some = entries.slice(from, from + MAX_WRITES);
      const next = summaryOf(some, summary, now);
      await state.transact([
        putWrite(NOTIFICATIONS, next, summary ? { rev: summary.rev } : { absent: true }),
        ...some.map((e) =>
          putWrite(NOTIFICATIONS, { ...e, status: 'suppressed', within: next.id, dueAt: iso(now) } as NotificationDoc, {
            rev: e.rev,
          }),
        ),
      ]);
      summary = await state.get(NOTIFICATIONS, next.id);
    }
    return summary!;
  }

  async #send(entry: Entry, signal: AbortSignal): Promise<void> {
    const { state, clock, composing } = this.#context;
    const now = clock.now();
    const message = (entry.message as Message | null) ?? compose(entry, composing, now);
    const claimed: NotificationDoc = {
      ...entry,
      status: 'sending',
      dueAt: iso(now + CLAIM_MS),
      attempts: entry.attempts + 1,
      firstAttemptAt: entry.firstAttemptAt ?? iso(now),
      message: message as unknown as Record<string, unknown>,
    };
    await state.put(NOTIFICATIONS, claimed, { rev: entry.rev });
    const { rev } = (await state.get(NOTIFICATIONS, entry.id))!;
    const writes = await this.#attempt(claimed, rev, message, signal);
    await this.#record(entry.id, writes);
  }

  async #record(id: string, writes: Write[]): Promise<void> {
    this.#unrecorded.set(id, writes);
    try {
      await this.#context.state.transact(writes);
    } catch (e) {
      // After a long sleep of the machine the claim ran out and somebody else has it: the entry is theirs.
      if (asGranaryError(e).code !== 'state.conflict') throw e;
    }
    this.#unrecorded.delete(id);
  }

  /** Sends, and gives what is to be recorded of it. */
  async #attempt(claimed: NotificationDoc, rev: number, message: Message, signal: AbortSignal): Promise<Write[]> {
    const { clock, onProblem } = this.#context;
    const { recipients } = claimed;
    try {
      const { refused } = await withLimit(signal, (limit) =>
        this.#channel.send(message, { signal: limit, ...(recipients && { recipients }) }),
      );
      this.#failures = 0;
      const at = iso(clock.now());
      for (const { error } of refused) onProblem(error, claimed);
      return [
        putWrite(NOTIFICATIONS, { ...claimed, status: 'sent', sentAt: at, dueAt: at, error: null }, { rev }),
        ...this.#again(claimed, refused),
      ];
    } catch (e) {
      const error = asGranaryError(e);
      if (!signal.aborted) onProblem(error, claimed);
      return [putWrite(NOTIFICATIONS, this.#failed(claimed, error), { rev })];
    }
  }

  #failed(claimed: NotificationDoc, error: GranaryError): NotificationDoc {
    const { clock, settings } = this.#context;
    const now = clock.now();
    const retryAfter = error.details?.retry_after_s as number | undefined;
    const isAway = error.code === 'notify.unreachable';
    if (isAway) this.#pausedUntil = now + retryDelayMs(Math.min(++this.#failures, 4), undefined);
    const reason = redact(`${error.code}: ${error.message}`);
    // A server that cannot be reached is tried on behalf of all that waits for it: nothing waits longer for its own sake.
    const dueAt = isAway ? this.#pausedUntil : now + retryDelayMs(claimed.attempts, retryAfter);
    const giveUpAt = Date.parse(claimed.firstAttemptAt!) + settings.give_up_after * 1000;
    if (error.transient && dueAt <= giveUpAt)
      return { ...claimed, status: 'pending', dueAt: iso(dueAt), error: reason };
    return { ...claimed, status: 'failed', dueAt: iso(now), error: reason };
  }

  /** Recipients that were refused while others got the message: an entry of their own each, the same message. */
  #again(claimed: NotificationDoc, refused: { recipient: string; error: GranaryError }[]): Write[] {
    const now = this.#context.clock.now();
    return refused.slice(0, MAX_WRITES).map(({ recipient, error }, i) =>
      putWrite(NOTIFICATIONS, {
        ...this.#failed({ ...claimed, attempts: 1, firstAttemptAt: iso(now) }, error),
        id: `${claimed.id}-${i + 1}`,
        recipients: [recipient],
        createdAt: iso(now),
      }),
    );
  }

  /** Several transactions; each write has its own condition. */
  async #write(writes: Write[]): Promise<void> {
    for (let from = 0; from < writes.length; from += MAX_WRITES)
      await this.#context.state.transact(writes.slice(from, from + MAX_WRITES));
  }
}

/** Ends at the limit, or a little after `signal`: what is on its way gets the time to arrive. */
async function withLimit<T>(signal: AbortSignal, act: (limit: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  let grace: NodeJS.Timeout | undefined;
  const onAbort = () => {
    grace = setTimeout(() => stop.abort(), STOP_GRACE_MS);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await act(AbortSignal.any([stop.signal, AbortSignal.timeout(SEND_LIMIT_MS)]));
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(grace);
  }
}

/** Tells people: takes events in, keeps the outbox, and sends what is due. One in the owner; it starts nothing by itself. */
import { asGranaryError, GranaryError } from '../../lib/errors.ts';
import type { EventDoc } from '../../model/events.ts';
import { NOTIFICATIONS, type NotificationDoc } from '../../model/notifications.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NotifierChannel } from '../../ports/notifier.ts';
import type { StateStore } from '../../ports/state-store.ts';
import type { NotificationsConfig } from '../../project/specs/notifications.ts';
import { ChannelDelivery } from './deliveries.ts';
import type { ExpectationLine } from './digest-page.ts';
import { intakeOf } from './intake.ts';
import { iso } from './outbox.ts';
import { digest, type PeriodicContext, prune, reconcile, remind } from './periodic.ts';

export interface NotifierOptions {
  state: StateStore;
  clock: Clock;
  /** Name of the project. */
  project: string;
  settings: NotificationsConfig;
  /** By the names in `settings.channels`. Closed by whoever opened them. */
  channels: ReadonlyMap<string, NotifierChannel>;
  /** In which times are shown; that of the digest or the quiet hours, or UTC, if not given. */
  timeZone?: string;
  /** The board of today, for the digest. */
  expectations?: () => Promise<ExpectationLine[]>;
  /** Told of each attempt that failed (with its entry), and of each round that did (without). */
  onProblem?: (error: GranaryError, entry: NotificationDoc | undefined) => void;
}

export interface NotifierHealth {
  /** Not sent yet. */
  pending: number;
  /** ISO 8601 of the oldest of them that was due; null when none is overdue. */
  overdueSince: string | null;
  /** Given up. */
  failed: number;
}

const SHORTEST_SLEEP_MS = 20;
const LONGEST_SLEEP_MS = 60_000;
const RECONCILE_EVERY_MS = 600_000;
const PRUNE_EVERY_MS = 86_400_000;
const MAX_CONFLICTS = 20;

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #deliveries: ChannelDelivery[];
  readonly #periodic: PeriodicContext;
  /** Intake and the clock's work change the same incidents: one after the other. */
  #queue: Promise<unknown> = Promise.resolve();
  #wake = new AbortController();
  #reconciledAt = Number.NEGATIVE_INFINITY;
  #prunedAt = Number.NEGATIVE_INFINITY;

  constructor(options: NotifierOptions) {
    const { state, clock, settings, channels, project } = options;
    const timeZone = options.timeZone ?? settings.digest?.time_zone ?? settings.quiet_hours?.time_zone ?? 'UTC';
    this.#options = options;
    this.#periodic = { state, settings, expectations: options.expectations };
    const composing = { project, link: settings.link, timeZone };
    const context = {
      state,
      clock,
      settings,
      composing,
      onProblem: (error: GranaryError, entry: NotificationDoc) => options.onProblem?.(error, entry),
    };
    this.#deliveries = [...channels].map(([name, channel]) => new ChannelDelivery(name, channel, context));
  }

  /** Takes an event up. Idempotent by its id. When it returns, what is to be told is in the outbox. */
  async onEvent(event: EventDoc): Promise<void> {
    const { state, clock, settings } = this.#options;
    const writes = await this.#exclusive(() =>
      untilSettled(async () => {
        const made = await intakeOf(event, { state, settings, now: clock.now() });
        if (made.length > 0) await state.transact(made);
        return made;
      }),
    );
    if (writes.length > 0) this.wake();
  }

  /** Sends what becomes due until `signal` aborts. One process at a time. Never throws: failures go to `onProblem`. */
  async deliver(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const wait = await this.tick(signal).catch((e) => {
        this.#options.onProblem?.(asGranaryError(e), undefined);
        return LONGEST_SLEEP_MS / 2;
      });
      const woken = AbortSignal.any([signal, this.#wake.signal]);
      await this.#options.clock.sleep(Math.max(wait, SHORTEST_SLEEP_MS), woken).catch(() => {});
    }
  }

  /** The outbox has changed: `deliver` looks at once. */
  wake(): void {
    this.#wake.abort();
  }

  /** One round: does and sends what is due now. Returns how many milliseconds there is nothing to do, at most a minute. */
  async tick(signal: AbortSignal = new AbortController().signal): Promise<number> {
    const { clock } = this.#options;
    await this.#exclusive(() => untilSettled(() => this.#byTheClock(clock.now())));
    const results = await Promise.allSettled(this.#deliveries.map((d) => untilSettled(() => d.serve(signal))));
    for (const r of results) if (r.status === 'rejected') throw r.reason;
    const next = Math.min(...(await Promise.all(this.#deliveries.map((d) => d.nextAt()))));
    return Math.round(Math.max(0, Math.min(LONGEST_SLEEP_MS, next - clock.now())));
  }

  async #byTheClock(now: number): Promise<void> {
    if (now - this.#reconciledAt >= RECONCILE_EVERY_MS) {
      await reconcile(this.#periodic, now);
      this.#reconciledAt = now;
    }
    await remind(this.#periodic, now);
    await digest(this.#periodic, now);
    if (now - this.#prunedAt >= PRUNE_EVERY_MS) {
      await prune(this.#periodic, now);
      this.#prunedAt = now;
    }
  }

  async health(): Promise<NotifierHealth> {
    const { state, clock } = this.#options;
    const now = iso(clock.now());
    const health: NotifierHealth = { pending: 0, overdueSince: null, failed: 0 };
    for (const status of ['pending', 'sending', 'failed'])
      for await (const entry of state.query(NOTIFICATIONS, { index: 'status', equals: [status] })) {
        if (status === 'failed') health.failed++;
        else health.pending++;
        const since = entry.firstAttemptAt ?? entry.dueAt;
        if (status === 'pending' && since < now && since < (health.overdueSince ?? '~')) health.overdueSince = since;
      }
    return health;
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }
}

/** Again when a document was changed by another while it was worked on. */
async function untilSettled<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (e) {
      if (!(e instanceof GranaryError && e.code === 'state.conflict') || tries >= MAX_CONFLICTS) throw e;
    }
  }
}

/** When a request may be made: as the configuration bounds it, and as the server says. All requests of a source go through one limiter. */
import { setTimeout as delay } from 'node:timers/promises';
import { cancelled } from '../lib/faults.ts';

export interface LimiterOptions {
  atOnce: number;
  /** Milliseconds between the beginnings of two requests. */
  intervalMs: number;
}

/** So many answers without a refusal let one more request go at the same time. */
const RECOVERY = 20;

export class Limiter {
  readonly #options: LimiterOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #allowed: number;
  #calm = 0;
  /** By `Date.now()`: nothing is asked before. */
  #free = 0;
  #pausedUntil = 0;

  constructor(options: LimiterOptions) {
    this.#options = options;
    this.#allowed = options.atOnce;
  }

  /** Runs a request when it is its turn. Error: `cancelled`. */
  async run<T>(request: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    while (this.#running >= this.#allowed) await new Promise<void>((wake) => this.#waiting.push(wake));
    this.#running++;
    try {
      await this.#turn(signal);
      return await request();
    } finally {
      this.#running--;
      this.#wake();
    }
  }

  /** Nothing is asked for so many milliseconds. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, Date.now() + ms);
  }

  /** The server refused for there being too many: fewer at the same time. */
  refused(): void {
    this.#calm = 0;
    this.#allowed = Math.max(1, Math.floor(this.#allowed / 2));
  }

  answered(): void {
    if (this.#allowed >= this.#options.atOnce || ++this.#calm < RECOVERY) return;
    this.#calm = 0;
    this.#allowed++;
    this.#wake();
  }

  #wake(): void {
    for (let free = this.#allowed - this.#running; free > 0; free--) this.#waiting.shift()?.();
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      const now = Date.now();
      const at = Math.max(this.#free, this.#pausedUntil);
      if (at <= now) {
        this.#free = now + this.#options.intervalMs;
        return;
      }
      await sleep(at - now, signal);
    }
  }
}

/** Error: `cancelled`. */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    // A timer takes no more than 24 days.
    await delay(Math.min(ms, 2 ** 31 - 1), undefined, { signal });
  } catch (e) {
    throw signal?.aborted ? cancelled('waiting for the server') : e;
  }
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

const one = (headers: Headers, ...names: string[]): string | undefined => {
  for (const name of names) {
    const value = headers[name];
    if (value !== undefined) return Array.isArray(value) ? value[0] : value;
  }
  return undefined;
};

/** `Retry-After` (RFC 9110): seconds or a date, which is compared with the server's own clock. Milliseconds. */
export function retryAfter(headers: Headers, now: number): number | undefined {
  const value = one(headers, 'retry-after');
  if (value === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(value.trim())) return Math.ceil(Number(value) * 1000);
  const at = Date.parse(value);
  const date = Date.parse(one(headers, 'date') ?? '');
  return Number.isNaN(at) ? undefined : Math.max(0, at - (Number.isNaN(date) ? now : date));
}

/** A reset is given in seconds from now, or since 1970, or since 1970 in milliseconds. */
const RELATIVE_BELOW = 1e8;
const SECONDS_BELOW = 1e11;

/**
 * How long nothing should be asked, in milliseconds, because the server says that nothing is left: `RateLimit` and `RateLimit-*` (drafts of the IETF),
 * `X-RateLimit-*`. Undefined: it does not say so.
 */
export function exhausted(headers: Headers, now: number): number | undefined {
  const limit = one(headers, 'ratelimit');
  const remaining =
    limit === undefined
      ? one(headers, 'ratelimit-remaining', 'x-ratelimit-remaining', 'x-rate-limit-remaining')
      : /(?:^|[;,\s])r(?:emaining)?=(\d+)/.exec(limit)?.[1];
  const reset =
    limit === undefined
      ? one(headers, 'ratelimit-reset', 'x-ratelimit-reset', 'x-rate-limit-reset')
      : /(?:^|[;,\s])(?:t|reset)=(\d+)/.exec(limit)?.[1];
  if (remaining === undefined || reset === undefined || !(Number(remaining) <= 0)) return undefined;
  const n = Number(reset);
  if (Number.isNaN(n)) {
    const at = Date.parse(reset);
    return Number.isNaN(at) ? undefined : Math.max(0, at - now);
  }
  if (n < RELATIVE_BELOW) return n * 1000;
  const date = Date.parse(one(headers, 'date') ?? '');
  return Math.max(0, (n < SECONDS_BELOW ? n * 1000 : n) - (Number.isNaN(date) ? now : date));
}

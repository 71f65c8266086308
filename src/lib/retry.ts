/** Retry of transient errors. */
import { asGranaryError } from './errors.ts';

export interface RetryOptions {
  /** Attempts in all. */
  attempts: number;
  /** Before the second attempt; doubled each time, with full jitter. */
  firstDelayMs: number;
  sleep(ms: number): Promise<void>;
  onRetry?: (error: Error, attempt: number) => void;
}

/** Calls `act` until it succeeds, fails with an error that is not transient, or has had its attempts. */
export async function retrying<T>(act: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (e) {
      const error = asGranaryError(e);
      if (!error.transient || attempt >= options.attempts) throw e;
      options.onRetry?.(error, attempt);
      await options.sleep(Math.random() * options.firstDelayMs * 2 ** (attempt - 1));
    }
  }
}

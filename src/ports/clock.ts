/** The time, so that tests can set it. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const isoNow = (clock: Clock): string => new Date(clock.now()).toISOString();

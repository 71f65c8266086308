/** Work that is done several pieces at a time, with results taken in order. */

/**
 * Runs `start` for pieces `first` to `count - 1`, at most `width` at a time that were begun and not taken, and `take` for their results, one after the other and
 * in order. The first error stops it: `start` gets a signal; all that was begun has ended when it is thrown.
 */
export async function inOrder<T>(
  { first, count, width, signal }: { first: number; count: number; width: number; signal: AbortSignal | undefined },
  start: (index: number, signal: AbortSignal) => Promise<T>,
  take: (result: T, index: number) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const running = new Map<number, Promise<T>>();
  let failure: { error: unknown } | undefined;
  let next = first;
  const fail = (error: unknown) => {
    failure ??= { error };
    stop.abort();
  };
  try {
    for (let i = first; i < count && !failure; i++) {
      for (; next < count && next < i + width; next++) {
        const piece = start(next, both);
        piece.catch(fail);
        running.set(next, piece);
      }
      const result = await running.get(i)!;
      running.delete(i);
      await take(result, i);
    }
  } catch (e) {
    fail(e);
  }
  await Promise.allSettled(running.values());
  if (failure) throw failure.error;
}

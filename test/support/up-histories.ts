/** What the histories of executions must show however often their owner was killed: nothing that had ended was done again. */
import type { HistoryEvent, Orchestrator } from '../../src/ports/orchestrator.ts';

export interface Histories {
  executions: number;
  /** Attempts that were in flight when the owner ended, and ran again. */
  handedBack: number;
  /** What is wrong, one line each. */
  wrong: string[];
}

/** Reads every execution. Each visit of a task (its idempotency key) succeeds once, and starts again only after it was handed back or had failed. */
export async function readHistories(orchestrator: Orchestrator): Promise<Histories> {
  const out: Histories = { executions: 0, handedBack: 0, wrong: [] };
  for (const { id, status } of await orchestrator.list({ limit: 100_000 })) {
    out.executions++;
    if (status !== 'SUCCEEDED') out.wrong.push(`${id} is ${status}`);
    const events = await orchestrator.history(id, { limit: 1_000_000 });
    if (events.some((e, i) => e.seq !== i + 1)) out.wrong.push(`${id} has gaps`);
    for (const [key, types] of attemptsByKey(events)) {
      const count = (type: string) => types.filter((t) => t === type).length;
      const [started, succeeded] = [count('TaskStarted'), count('TaskSucceeded')];
      const back = count('TaskHandedBack');
      out.handedBack += back;
      if (succeeded > 1) out.wrong.push(`${key} succeeded ${succeeded} times`);
      if (succeeded === 1 && types.at(-1) !== 'TaskSucceeded') out.wrong.push(`${key} went on: ${types.join(', ')}`);
      // Handed back while it waited for a place is no start.
      if (started > 1 + back + count('TaskFailed') + count('TaskTimedOut'))
        out.wrong.push(`${key} started ${started} times: ${types.join(', ')}`);
    }
  }
  return out;
}

/** What happened to each visit of a task, in order. Only the start names the key: what follows at its path is of that visit. */
function attemptsByKey(events: readonly HistoryEvent[]): Map<string, string[]> {
  const current = new Map<string, string>();
  const out = new Map<string, string[]>();
  for (const { type, path, state, details } of events) {
    const place = `${path}|${state ?? ''}`;
    if (type === 'TaskStarted') current.set(place, String((details as { key: string }).key));
    if (!['TaskStarted', 'TaskSucceeded', 'TaskFailed', 'TaskTimedOut', 'TaskHandedBack'].includes(type)) continue;
    const key = current.get(place) ?? place;
    out.set(key, [...(out.get(key) ?? []), type]);
  }
  return out;
}

/** Gathers the figures of the daily digest from the state store. */
import { addBooks, EMPTY_BOOKS } from '../../model/books.ts';
import { DEAD_LETTERS } from '../../model/dead-letters.ts';
import { INCIDENTS, type IncidentDoc, NOTIFICATIONS, SEVERITIES } from '../../model/notifications.ts';
import { RUNS } from '../../model/runs.ts';
import type { StateStore } from '../../ports/state-store.ts';
import type { DigestFacts, ExpectationLine } from './digest-page.ts';
import { wordsFor } from './words.ts';

const MAX_LINES = 20;

/** What happened from `fromMs` on, and what is open now. */
export async function gatherDigest(
  state: StateStore,
  { fromMs, toMs, expectations }: { fromMs: number; toMs: number; expectations: ExpectationLine[] | null },
): Promise<DigestFacts> {
  const from = new Date(fromMs).toISOString();
  const runs = { succeeded: 0, failed: 0, interrupted: 0, running: 0 };
  const files = { landed: 0, quarantined: 0 };
  let rows = EMPTY_BOOKS;
  for await (const run of state.query(RUNS, { index: 'started', descending: true })) {
    if (run.startedAt < from) break;
    runs[run.status]++;
    rows = addBooks(rows, run.totals);
    files.landed += run.landed;
    files.quarantined += run.quarantined;
  }
  const letters = new Map<string, number>();
  for (const status of ['open', 'replaying'])
    for await (const d of state.query(DEAD_LETTERS, { index: 'status', equals: [status] })) {
      const subject = d.dataset || d.source || d.pipeline;
      letters.set(subject, (letters.get(subject) ?? 0) + 1);
    }
  const open: IncidentDoc[] = [];
  for await (const incident of state.query(INCIDENTS, { index: 'open', equals: [1] })) open.push(incident);
  const resolved = await resolvedSince(state, from);
  const undelivered = await count(state.query(NOTIFICATIONS, { index: 'status', equals: ['failed'] }));
  return {
    from,
    to: new Date(toMs).toISOString(),
    runs,
    rows,
    files,
    deadLetters: [...letters]
      .map(([subject, n]) => ({ subject, open: n }))
      .sort((a, b) => b.open - a.open || (a.subject < b.subject ? -1 : 1))
      .slice(0, MAX_LINES),
    deadLettersOpen: [...letters.values()].reduce((a, b) => a + b, 0),
    expectations,
    problems: open
      .sort((a, b) => rank(b) - rank(a) || (a.since < b.since ? -1 : 1))
      .slice(0, MAX_LINES)
      .map((i) => ({
        title: wordsFor(i.happenings, i.count).title,
        severity: i.severity,
        since: i.since,
        count: i.count,
      })),
    problemsOpen: open.length,
    resolved,
    undelivered,
  };
}

const rank = ({ severity }: IncidentDoc) => SEVERITIES.indexOf(severity);

async function resolvedSince(state: StateStore, from: string): Promise<number> {
  let n = 0;
  for await (const { resolvedAt } of state.query(INCIDENTS, { index: 'open', equals: [0] }))
    if (resolvedAt !== null && resolvedAt >= from) n++;
  return n;
}

async function count(docs: AsyncIterable<unknown>): Promise<number> {
  let n = 0;
  for await (const _ of docs) n++;
  return n;
}

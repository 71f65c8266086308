/** The error budget of a dataset: how many of its objects may fail within a time before that is a problem of its own. */
import { formatCount } from '../../lib/units.ts';
import { DEAD_LETTERS, type DeadLetterStatus } from '../../model/dead-letters.ts';
import { type EventDoc, toEmit } from '../../model/events.ts';
import { ERROR_BUDGETS, type ErrorBudgetDoc } from '../../model/expectations.ts';
import { OBJECTS } from '../../model/objects.ts';
import { putWrite, type StateStore } from '../../ports/state-store.ts';
import type { ErrorBudgetRule } from '../../project/expectations.ts';
import { spanText } from './sentences.ts';

/** Resolved ones have succeeded after all; a discarded one has failed. */
const FAILED: readonly DeadLetterStatus[] = ['open', 'replaying', 'discarded'];
/** Objects are kept in the order of their business dates; those that came so late are not counted as landed. */
const LATEST_MS = 31 * 86_400_000;

export interface Failures {
  /** Units of work: objects in quarantine, and dead letters, each once. */
  failed: number;
  /** Objects that landed, and files that could not. */
  landed: number;
  /** When the oldest failure leaves the window: milliseconds; Infinity without one. */
  leavesAt: number;
}

/** Within `windowMs` before `now`. */
export async function failuresOf(
  state: StateStore,
  { dataset, windowMs }: ErrorBudgetRule,
  now: number,
): Promise<Failures> {
  const since = new Date(now - windowMs).toISOString();
  const failures = new Map<string, string>();
  let unlanded = 0;
  for await (const o of state.query(OBJECTS, { index: 'status', equals: ['quarantined', dataset] }))
    if (o.landedAt > since) failures.set(o.id, o.landedAt);
  for (const status of FAILED)
    for await (const d of state.query(DEAD_LETTERS, { index: 'dataset', equals: [dataset, status] })) {
      if (d.openedAt <= since || failures.has(d.ref)) continue;
      failures.set(d.ref, d.openedAt);
      if (d.kind === 'file') unlanded++;
    }
  let landed = unlanded;
  const floor = new Date(now - windowMs - LATEST_MS).toISOString();
  for await (const o of state.query(OBJECTS, { index: 'dataset', equals: [dataset], descending: true })) {
    if (o.order < floor) break;
    if (o.landedAt > since) landed++;
  }
  const oldest = [...failures.values()].sort()[0];
  return {
    failed: failures.size,
    landed: Math.max(landed, failures.size),
    leavesAt: oldest === undefined ? Number.POSITIVE_INFINITY : Date.parse(oldest) + windowMs,
  };
}

export function isExceeded(
  { objects }: ErrorBudgetRule,
  { failed, landed }: Pick<Failures, 'failed' | 'landed'>,
): boolean {
  if (objects.unit === 'objects') return failed > objects.count;
  return failed > 0 && (failed / landed) * 100 > objects.count;
}

/** Writes the state of the budget and the event of its change, in one transaction. Errors: `state.conflict`. */
export async function checkErrorBudget(
  state: StateStore,
  rule: ErrorBudgetRule,
  now: number,
): Promise<{ next: number; events: number }> {
  const failures = await failuresOf(state, rule, now);
  const { failed, landed, leavesAt: next } = failures;
  const before = await state.get(ERROR_BUDGETS, rule.dataset);
  const status: ErrorBudgetDoc['state'] = isExceeded(rule, failures) ? 'exceeded' : 'within';
  if (!before && status === 'within') return { next, events: 0 };
  if (before && before.state === status && before.failed === failed && before.landed === landed)
    return { next, events: 0 };
  const at = new Date(now).toISOString();
  const isNew = before?.state !== status;
  const since = isNew ? at : before.since;
  const doc: ErrorBudgetDoc = { id: rule.dataset, state: status, since, failed, landed };
  await state.transact([
    putWrite(ERROR_BUDGETS, doc, before ? { rev: before.rev } : { absent: true }),
    ...(isNew ? [toEmit(budgetEvent(rule, doc, at))] : []),
  ]);
  return { next, events: isNew ? 1 : 0 };
}

function budgetEvent(
  { dataset, tenant, objects, windowMs }: ErrorBudgetRule,
  doc: ErrorBudgetDoc,
  at: string,
): EventDoc {
  const type = doc.state === 'exceeded' ? 'error_budget.exceeded' : 'error_budget.restored';
  const allowed = objects.unit === 'percent' ? `${objects.count} %` : formatCount(objects.count);
  const [, source, name] = dataset.split('/');
  return {
    id: `${type}|${dataset}|${doc.since}`,
    type,
    subject: dataset,
    tenant,
    at,
    data: {
      source,
      dataset: name,
      failed: doc.failed,
      landed: doc.landed,
      allowed,
      within: spanText(windowMs),
      message: `${formatCount(doc.failed)} of ${formatCount(doc.landed)} objects failed within ${spanText(windowMs)}; ${allowed} may`,
    },
  };
}

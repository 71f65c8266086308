/** Dead letters, expectations, replays and backfills. */
import { type Endpoint, endpoint, json, listOf, ref } from '../endpoint.ts';
import { j } from '../schema.ts';

const datasets = j.optional(j.list(j.text('`source` or `source.dataset`.'), 'Only of these datasets.'));
const STATUSES = ['open', 'replaying', 'resolved', 'discarded'] as const;
const DAY = '^\\d{4}-\\d\\d-\\d\\d$';
const day = (doc: string) => j.text(doc, { format: 'date', pattern: DAY });

const letterFilter = {
  ids: j.optional(j.list(j.text('Id, beginning of an id, or name of a file.'), 'Only these.')),
  datasets,
  error: j.optional(j.text('Only with this error code.')),
  since: j.optional(j.text('Only those that changed since this time, ISO 8601.')),
  limit: j.optional(j.integer('At most so many.', { minimum: 1 })),
};
const statuses = j.optional(j.list(j.choice(STATUSES, 'A status.'), 'Default: open and replaying.'));
const backfill = {
  dataset: j.text('`source.dataset`, or `source` for all of it.', { minLength: 1 }),
  from: day('First business day.'),
  to: day('Last business day.'),
  again: j.optional(j.flag('Also what is loaded already, not only the gaps.')),
};

export const REPAIR_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/v1/dead-letters',
    id: 'listDeadLetters',
    summary: 'Dead letters, newest first',
    tag: 'Dead letters',
    scope: 'read',
    query: j.object({ ...letterFilter, statuses }),
    answer: listOf('DeadLetter', 'The dead letters.'),
    handle: ({ query }, { operations }) => operations.deadLetters(query),
  }),
  endpoint({
    method: 'POST',
    path: '/v1/dead-letters/replay',
    id: 'replayDeadLetters',
    summary: 'Try dead letters again',
    description: 'All that are live and match. It can be called any number of times: nothing is loaded twice.',
    tag: 'Dead letters',
    scope: 'operate',
    body: j.object({ ...letterFilter, statuses }),
    answer: json(ref('ReplayedLetters'), 'They are being tried.'),
    handle: ({ body, by }, { operations }) => operations.replayDeadLetters(body, by),
  }),
  endpoint({
    method: 'POST',
    path: '/v1/dead-letters/discard',
    id: 'discardDeadLetters',
    summary: 'End dead letters without another try',
    tag: 'Dead letters',
    scope: 'operate',
    body: j.object({ ...letterFilter, reason: j.text('Why; it stays in the history.', { minLength: 1 }) }),
    answer: listOf('DeadLetter', 'Those that were discarded.'),
    handle: ({ body: { reason, ...selection }, by }, { operations }) =>
      operations.discardDeadLetters(selection, reason, by),
  }),
  endpoint({
    method: 'GET',
    path: '/v1/expectations',
    id: 'listExpectations',
    summary: 'The board of a day: what is due, has arrived, is late or missed',
    tag: 'Expectations',
    scope: 'read',
    query: j.object({ date: j.optional(day('The day; default: today.')) }),
    answer: listOf('Expectation', 'The board.'),
    handle: ({ query }, { operations }) => operations.expectations(query.date),
  }),
  endpoint({
    method: 'POST',
    path: '/v1/expectations/forgive',
    id: 'forgiveExpectation',
    summary: 'Expect nothing of a dataset for a day after all',
    tag: 'Expectations',
    scope: 'operate',
    body: j.object({
      dataset: j.text('`source.dataset`.', { minLength: 1 }),
      date: day('The business day.'),
      reason: j.text('Why; for the record.', { minLength: 1 }),
    }),
    answer: json(ref('Expectation'), 'It is forgiven.'),
    handle: ({ body, by }, { operations }) => operations.forgive(body, by),
  }),
  endpoint({
    method: 'POST',
    path: '/v1/objects/replay',
    id: 'replayObjects',
    summary: 'Process objects again after a fix',
    description: 'What an object has loaded stays until its new rows take its place, in one transaction.',
    tag: 'Data',
    scope: 'operate',
    body: j.object({
      objects: j.optional(j.list(j.text('Id, beginning of an id, or name of a file.'), 'These objects.')),
      datasets,
      quarantined: j.optional(j.flag('Objects in quarantine.')),
      rejects: j.optional(j.flag('Loaded objects that have rejects.')),
    }),
    answer: json(ref('ReplayedObjects'), 'They are being processed.'),
    handle: ({ body, by }, { operations }) => operations.replay(body, by),
  }),
  endpoint({
    method: 'POST',
    path: '/v1/objects/release',
    id: 'releaseObjects',
    summary: 'Let objects in quarantine pass as they are',
    tag: 'Data',
    scope: 'operate',
    body: j.object({ objects: j.list(j.text('Id, beginning of an id, or name of a file.'), 'The objects.') }),
    answer: json(ref('ReplayedObjects'), 'They are being processed.'),
    handle: ({ body, by }, { operations }) => operations.release(body.objects, by),
  }),
  endpoint({
    method: 'POST',
    path: '/v1/backfills/plan',
    id: 'planBackfill',
    summary: 'What a backfill would do; does nothing',
    tag: 'Data',
    scope: 'read',
    body: j.object(backfill),
    answer: json(ref('BackfillPlan'), 'The plan.'),
    handle: ({ body }, { operations }) => operations.planBackfill(body),
  }),
  endpoint({
    method: 'POST',
    path: '/v1/backfills',
    id: 'startBackfill',
    summary: 'Fill the gaps of a dataset',
    tag: 'Data',
    scope: 'operate',
    body: j.object({ ...backfill, command: j.optional(j.text('For the record.')) }),
    answer: json(ref('StartedBackfill'), 'It was started.'),
    status: 201,
    handle: ({ body, by }, { operations }) => operations.startBackfill(body, by),
  }),
];

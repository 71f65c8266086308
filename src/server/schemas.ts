/** Schemas of what the API returns, by name. Objects may get further properties in later versions. */
import { SCOPES } from '../model/api-tokens.ts';
import type { JsonSchema } from './schema.ts';

const text: JsonSchema = { type: 'string' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const whole: JsonSchema = { type: 'integer' };
const flag: JsonSchema = { type: 'boolean' };
const anything: JsonSchema = {};
const record: JsonSchema = { type: 'object' };
const oneOf = (...values: string[]): JsonSchema => ({ type: 'string', enum: values });
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const orNull = (schema: JsonSchema): JsonSchema =>
  typeof schema.type === 'string' && schema.enum === undefined
    ? { ...schema, type: [schema.type, 'null'] }
    : { anyOf: [schema, { type: 'null' }] };
const object = (
  description: string,
  properties: Record<string, JsonSchema>,
  optional: Record<string, JsonSchema> = {},
): JsonSchema => ({
  type: 'object',
  description,
  properties: { ...properties, ...optional },
  required: Object.keys(properties),
});

const books = { received: count, loaded: count, filtered: count, deduplicated: count, rejected: count };
const runStatus = oneOf('running', 'succeeded', 'failed', 'interrupted');
const level = oneOf('debug', 'info', 'warn', 'error');

export const SCHEMAS: Record<string, JsonSchema> = {
  Problem: object(
    'An error, as RFC 9457 has it.',
    { type: text, title: text, status: count, detail: text, code: text, transient: flag },
    {
      hint: text,
      where: record,
      errors: list(object('What is wrong with the input.', { pointer: text, detail: text })),
      details: record,
    },
  ),
  Error: object(
    'An error of a run.',
    { code: text, message: text, transient: flag },
    { where: record, hint: text, details: record },
  ),
  Readiness: object('Can it do its work?', { ready: flag }, { reasons: list(text) }),
  Owner: object('The process that owns the data directory.', { pid: count, command: text, host: text, since: time }),
  Step: object(
    'Where a run is now. Times in milliseconds since 1970.',
    { path: text, state: text, status: text, since: whole, attempt: whole },
    { wakeAt: whole },
  ),
  RunningRun: object('A run that goes on.', {
    run: text,
    pipeline: text,
    trigger: text,
    startedAt: time,
    steps: list(ref('Step')),
  }),
  LastRun: object('How the latest run of a pipeline ended.', {
    run: text,
    status: runStatus,
    startedAt: time,
    endedAt: orNull(time),
    landed: count,
    loaded: count,
    rejected: count,
    quarantined: count,
    error: orNull(text),
  }),
  Pipeline: object('A pipeline, and when it runs.', {
    name: text,
    sources: list(text),
    schedule: text,
    paused: flag,
    next: orNull(time),
    running: list(text),
    queued: count,
    last: orNull(ref('LastRun')),
    lastSuccess: orNull(time),
  }),
  Status: object('All that matters at a glance.', {
    project: text,
    environment: orNull(text),
    version: text,
    at: time,
    owner: orNull(ref('Owner')),
    readiness: ref('Readiness'),
    running: list(ref('RunningRun')),
    pipelines: list(ref('Pipeline')),
    deadLetters: object('Dead letters.', { open: count, replaying: count, newest: list(ref('DeadLetter')) }),
    late: list(ref('Expectation')),
    behind: list(object('A feed that is behind.', { source: text, feed: text, since: time, problem: text })),
    quarantined: count,
    disk: object('Bytes.', { free: count, total: count }),
  }),
  Run: object('One execution of a pipeline.', {
    id: text,
    startedAt: time,
    endedAt: orNull(time),
    status: runStatus,
    command: text,
    pipeline: text,
    trigger: text,
    totals: object('The books of the run.', books),
    landed: count,
    quarantined: count,
    errors: list(ref('Error')),
  }),
  Execution: object(
    'The state machine of a run. Times in milliseconds since 1970.',
    {
      id: text,
      pipeline: text,
      definition: text,
      status: oneOf('RUNNING', 'SUCCEEDED', 'FAILED', 'ABORTED', 'TIMED_OUT'),
      input: anything,
      startedAt: whole,
      redrives: count,
    },
    { output: anything, error: text, cause: text, endedAt: whole },
  ),
  RunDetail: object('A run with its state machine.', {
    run: ref('Run'),
    execution: orNull(ref('Execution')),
    steps: list(ref('Step')),
  }),
  HistoryEvent: object(
    'A transition. Time in milliseconds since 1970.',
    { seq: count, at: whole, type: text, path: text },
    { state: text, details: anything },
  ),
  StartedRun: object('A run that was started.', { run: text }),
  DeadLetter: object('A unit of work that gave up.', {
    id: text,
    status: oneOf('open', 'replaying', 'resolved', 'discarded'),
    kind: oneOf('file', 'object', 'pipeline'),
    dataset: text,
    tenant: text,
    source: text,
    pipeline: text,
    run: text,
    state: text,
    ref: text,
    payload: anything,
    name: text,
    bytes: orNull(count),
    error: text,
    reason: text,
    hint: orNull(text),
    transient: flag,
    openedAt: time,
    updatedAt: time,
    history: list(
      object('What happened to it.', {
        at: time,
        what: text,
        run: orNull(text),
        error: orNull(text),
        by: orNull(text),
      }),
    ),
  }),
  ReplayedLetters: object('Dead letters, and the runs that take them.', {
    letters: list(ref('DeadLetter')),
    runs: list(text),
  }),
  Expectation: object('What should have arrived on a day, and what did.', {
    dataset: text,
    date: { type: 'string', format: 'date' },
    state: oneOf('due', 'arrived', 'late', 'missed', 'forgiven'),
    due: time,
    arrivedAt: orNull(time),
    objects: count,
    bytes: count,
    rows: orNull(count),
    note: orNull(text),
  }),
  Object: object('A landed original.', {
    id: text,
    dataset: text,
    file: text,
    path: text,
    status: text,
    landedAt: time,
  }),
  ReplayedObjects: object('Objects, and the run that takes them.', {
    objects: list(ref('Object')),
    run: orNull(text),
  }),
  BackfillPlan: object('What a backfill does.', {
    items: list(
      object('A day of a dataset.', {
        dataset: text,
        date: { type: 'string', format: 'date' },
        ref: orNull(text),
        action: oneOf('collect', 'replay', 'nothing'),
        reason: text,
      }),
    ),
  }),
  StartedBackfill: object('A backfill that was started.', { plan: ref('BackfillPlan'), runs: list(text) }),
  BooksEntry: object('The accounting of an object: received = loaded + filtered + deduplicated + rejected.', {
    id: text,
    run: text,
    object: text,
    dataset: text,
    table: text,
    file: text,
    declaredRows: orNull(count),
    byRule: record,
    active: count,
    at: time,
    ...books,
  }),
  TracedRow: object(
    'Where a row came from.',
    { object: text, line: count, row: record },
    { member: text, deleted: flag, origin: ref('Object') },
  ),
  LogLine: object('A line of the log.', { at: time, level, message: text }, { run: text, pipeline: text, step: text }),
  Token: object('A token of the API, without its secret.', {
    id: text,
    name: text,
    scopes: list(oneOf(...SCOPES)),
    createdAt: time,
    createdBy: text,
    lastUsedAt: orNull(time),
  }),
  NewToken: object('A token of the API, with its secret: shown once.', {
    id: text,
    name: text,
    scopes: list(oneOf(...SCOPES)),
    createdAt: time,
    createdBy: text,
    lastUsedAt: orNull(time),
    token: text,
  }),
};

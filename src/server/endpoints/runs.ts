/** Runs and pipelines: look, start, follow, stop, go on. */
import { type Endpoint, endpoint, json, listOf, ref } from '../endpoint.ts';
import { j } from '../schema.ts';

const id = { id: 'Id of the run.' };
const name = { name: 'Name of the pipeline.' };

export const RUN_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/v1/runs',
    id: 'listRuns',
    summary: 'Runs, newest first',
    tag: 'Runs',
    scope: 'read',
    query: j.object({
      pipeline: j.optional(j.text('Only of this pipeline.')),
      status: j.optional(j.choice(['running', 'succeeded', 'failed', 'interrupted'], 'Only of this status.')),
      limit: j.optional(j.integer('At most so many; default 20.', { minimum: 1, maximum: 1000 })),
    }),
    answer: listOf('Run', 'The runs.'),
    handle: ({ query }, { operations }) => operations.runs(query),
  }),
  endpoint({
    method: 'POST',
    path: '/v1/runs',
    id: 'startRun',
    summary: 'Start a run',
    description: 'It goes on whether or not anybody follows it.',
    tag: 'Runs',
    scope: 'operate',
    body: j.object({
      pipeline: j.optional(j.text('Default: `daily`.')),
      sources: j.optional(j.list(j.text('Name of a source.'), 'Only these sources.')),
      skipCollect: j.optional(j.flag('Look for no new files: go on with what has landed.')),
      parameters: j.optional(j.map(j.text('A value.'), 'Parameters of the machine.')),
      command: j.optional(j.text('For the record: what was typed or clicked.')),
    }),
    answer: json(ref('StartedRun'), 'It was started.'),
    status: 201,
    handle: ({ body: { command, ...request }, by }, { operations }) =>
      operations.startRun({ ...request, command: command ?? `POST /v1/runs by ${by}` }, by),
  }),
  endpoint({
    method: 'GET',
    path: '/v1/runs/{id}',
    id: 'getRun',
    summary: 'A run, its state machine, and where it is now',
    tag: 'Runs',
    scope: 'read',
    parameters: id,
    answer: json(ref('RunDetail'), 'The run.'),
    handle: ({ path }, { operations }) => operations.run(path['id']!),
  }),
  endpoint({
    method: 'GET',
    path: '/v1/runs/{id}/history',
    id: 'getHistory',
    summary: 'The transitions of a run',
    tag: 'Runs',
    scope: 'read',
    parameters: id,
    query: j.object({
      after: j.optional(j.integer('Only those after this `seq`.')),
      limit: j.optional(j.integer('At most so many; default 1000.', { minimum: 1, maximum: 10_000 })),
    }),
    answer: listOf('HistoryEvent', 'The transitions, oldest first.'),
    handle: ({ path, query }, { operations }) => operations.history(path['id']!, { limit: 1000, ...query }),
  }),
  endpoint({
    method: 'GET',
    path: '/v1/runs/{id}/events',
    id: 'followRun',
    summary: 'Follow a run: Server-Sent Events',
    description:
      'What the run has told, then what it tells. The name of an event is its type; the last is `ended`, with the run, and the answer ends. `Last-Event-ID` or `after` goes on where an earlier answer broke.',
    tag: 'Runs',
    scope: 'read',
    parameters: id,
    query: j.object({ after: j.optional(j.integer('Only those after this id.')) }),
    answer: { kind: 'stream', contentType: 'text/event-stream', description: 'Events.' },
    async handle({ path, query, headers, signal }, { operations }) {
      const last = Number(headers['last-event-id']);
      const after = query.after ?? (Number.isSafeInteger(last) ? last : 0);
      // Errors of a run that is not there are told before the answer begins.
      await operations.run(path['id']!);
      const events = operations.followRun(path['id']!, { after, signal });
      return (async function* () {
        for await (const { seq, event } of events)
          yield `id: ${seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
      })();
    },
  }),
  endpoint({
    method: 'POST',
    path: '/v1/runs/{id}/cancel',
    id: 'cancelRun',
    summary: 'Stop a run',
    description: 'What has been loaded stays loaded. A run that is over stays as it is.',
    tag: 'Runs',
    scope: 'operate',
    parameters: id,
    answer: json(ref('Run'), 'The run, which is over.'),
    handle: ({ path, by }, { operations }) => operations.cancelRun(path['id']!, by),
  }),
  endpoint({
    method: 'POST',
    path: '/v1/runs/{id}/redrive',
    id: 'redriveRun',
    summary: 'Go on with a run that failed or was stopped',
    description: 'From the states that failed; what has been done is not done again.',
    tag: 'Runs',
    scope: 'operate',
    parameters: id,
    answer: json(ref('StartedRun'), 'It goes on.'),
    handle: ({ path, by }, { operations }) => operations.redriveRun(path['id']!, by),
  }),
  endpoint({
    method: 'GET',
    path: '/v1/pipelines',
    id: 'listPipelines',
    summary: 'The pipelines, when they run next, and how they ended last',
    tag: 'Pipelines',
    scope: 'read',
    answer: listOf('Pipeline', 'The pipelines.'),
    handle: (_, { operations }) => operations.pipelines(),
  }),
  endpoint({
    method: 'POST',
    path: '/v1/pipelines/{name}/pause',
    id: 'pausePipeline',
    summary: 'Begin no more steps of a pipeline',
    description: 'Steps in flight end. It stays paused when the owner is started anew.',
    tag: 'Pipelines',
    scope: 'operate',
    parameters: name,
    answer: json(ref('Pipeline'), 'The pipeline.'),
    handle: ({ path, by }, { operations }) => operations.pausePipeline(path['name']!, by),
  }),
  endpoint({
    method: 'POST',
    path: '/v1/pipelines/{name}/resume',
    id: 'resumePipeline',
    summary: 'Let a paused pipeline go on',
    tag: 'Pipelines',
    scope: 'operate',
    parameters: name,
    answer: json(ref('Pipeline'), 'The pipeline.'),
    handle: ({ path, by }, { operations }) => operations.resumePipeline(path['name']!, by),
  }),
];

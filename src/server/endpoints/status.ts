/** How it is: for people, probes and monitoring. */
import { OPENMETRICS_TYPE, renderOpenMetrics } from '../../lib/openmetrics.ts';
import { type Endpoint, endpoint, json, Reply, ref } from '../endpoint.ts';
import { j } from '../schema.ts';

export const STATUS_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/health',
    id: 'health',
    summary: 'Is the process alive?',
    tag: 'Status',
    scope: null,
    answer: json(
      { type: 'object', properties: { alive: { type: 'boolean' } }, required: ['alive'] },
      'It is: it answers.',
    ),
    handle: async () => ({ alive: true }),
  }),
  endpoint({
    method: 'GET',
    path: '/ready',
    id: 'ready',
    summary: 'Can it do its work?',
    description: '503 until it can. The reasons are for those who may read.',
    tag: 'Status',
    scope: null,
    answer: json(ref('Readiness'), 'Whether it is ready; 503 when it is not.'),
    async handle({ allows }, { operations }) {
      const { ready, reasons } = await operations.readiness();
      return new Reply({ ready, ...(allows('read') && { reasons }) }, ready ? 200 : 503);
    },
  }),
  endpoint({
    method: 'GET',
    path: '/metrics',
    id: 'metrics',
    summary: 'Figures as OpenMetrics text, for Prometheus',
    tag: 'Status',
    scope: 'read',
    answer: { kind: 'text', contentType: OPENMETRICS_TYPE, description: 'OpenMetrics 1.0.' },
    handle: async (_, { operations }) => renderOpenMetrics(await operations.metrics()),
  }),
  endpoint({
    method: 'GET',
    path: '/openapi.json',
    id: 'describe',
    summary: 'This description',
    tag: 'Status',
    scope: null,
    answer: json({ type: 'object' }, 'An OpenAPI 3.1 document.'),
    handle: async (_, { describe }) => describe(),
  }),
  endpoint({
    method: 'GET',
    path: '/v1/status',
    id: 'getStatus',
    summary: 'What runs, what comes next, and what is wrong',
    tag: 'Status',
    scope: 'read',
    answer: json(ref('Status'), 'The status.'),
    handle: (_, { operations }) => operations.status(),
  }),
  endpoint({
    method: 'GET',
    path: '/v1/logs',
    id: 'readLogs',
    summary: 'Lines of the log, oldest first',
    description:
      'One JSON object a line. With `follow` the answer goes on until the caller ends it; empty lines keep it open.',
    tag: 'Status',
    scope: 'read',
    query: j.object({
      run: j.optional(j.text('Only of this run.')),
      pipeline: j.optional(j.text('Only of this pipeline.')),
      level: j.optional(j.choice(['debug', 'info', 'warn', 'error'], 'The least level.')),
      since: j.optional(
        j.text('Only since this time, ISO 8601.', { format: 'date-time', pattern: '^\\d{4}-\\d\\d-\\d\\dT' }),
      ),
      tail: j.optional(j.integer('The last so many of those that are there.', { maximum: 100_000 })),
      follow: j.optional(j.flag('Also those to come.')),
    }),
    answer: { kind: 'stream', contentType: 'application/x-ndjson', description: 'Lines, each as `LogLine`.' },
    async handle({ query, signal }, { operations }) {
      const lines = operations.logs(query, signal);
      return (async function* () {
        for await (const line of lines) yield `${JSON.stringify(line)}\n`;
      })();
    },
  }),
];

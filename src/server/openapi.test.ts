import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { DEAD_LETTERS } from '../model/dead-letters.ts';
import { RUNS } from '../model/runs.ts';
import { type OpenApi, type Operation, openApi } from './openapi.ts';
import { ENDPOINTS } from './routes.ts';
import { type AskOptions, LETTER, RUN, testApi } from './testing.ts';

const document = openApi(ENDPOINTS, '0.1.0');
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

function refsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([k, v]) => (k === '$ref' ? [v as string] : refsIn(v)));
}

test('every reference of the description leads somewhere, and every schema is referred to', () => {
  const refs = new Set(refsIn(document));
  for (const ref of refs) {
    const found = ref
      .split('/')
      .slice(1)
      .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], document);
    assert.ok(found, ref);
  }
  const schemas = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
  // Lines of a stream have no schema in OpenAPI; `LogLine` is told in words.
  assert.deepEqual(
    schemas.filter((s) => !refs.has(s) && !s.endsWith('/LogLine')),
    [],
  );
});

test('every operation has a name of its own, a tag, described parameters and an answer; its path declares all it varies', () => {
  const ids = operations.map((o) => o.operation.operationId);
  assert.deepEqual(
    ids.filter((id, i) => ids.indexOf(id) !== i),
    [],
  );
  const tags = new Set(document.tags.map((t) => t.name));
  for (const { path, operation } of operations) {
    assert.ok(
      operation.tags.every((t) => tags.has(t)),
      path,
    );
    const varying = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]);
    const declared = (operation.parameters ?? []).filter((p) => p.in === 'path').map((p) => p.name);
    assert.deepEqual(declared, varying, path);
    for (const p of operation.parameters ?? []) assert.ok(p.description.length > 0, `${path} ${p.name}`);
    const answers = Object.keys(operation.responses);
    assert.equal(answers.length, 2);
    assert.match(answers[0]!, /^20\d$/);
    assert.ok(!/\.$/.test(operation.summary) && operation.summary.length < 80, operation.summary);
  }
});

test('only health, readiness and the description itself need no token', () => {
  const open = operations.filter((o) => o.operation.security.length === 0).map((o) => o.path);
  assert.deepEqual(open.sort(), ['/health', '/openapi.json', '/ready']);
});

test('what the server gives out is this description', async (t) => {
  const { ask } = await testApi(t);
  assert.deepEqual((await ask('GET', '/openapi.json')).json, JSON.parse(JSON.stringify(document)));
});

/** A call of every operation that answers in JSON. */
const CALLS: Record<string, { path?: string; body?: unknown }> = {
  health: {},
  ready: {},
  describe: {},
  getStatus: {},
  listRuns: { path: '/v1/runs?limit=5&status=running' },
  startRun: { body: { pipeline: 'daily' } },
  getRun: {},
  getHistory: { path: `/v1/runs/${RUN.id}/history?after=0` },
  redriveRun: { path: '/v1/runs/failed/redrive' },
  cancelRun: {},
  listPipelines: {},
  pausePipeline: {},
  resumePipeline: {},
  listDeadLetters: { path: '/v1/dead-letters?datasets=shop&datasets=pos.sales&limit=3' },
  replayDeadLetters: { body: { ids: ['4k2m'] } },
  discardDeadLetters: { body: { ids: ['4k2m'], reason: 'a test' } },
  listExpectations: { path: '/v1/expectations?date=2026-11-25' },
  forgiveExpectation: { body: { dataset: 'shop.sales', date: '2026-11-25', reason: 'holiday' } },
  replayObjects: { body: { quarantined: true } },
  releaseObjects: { body: { objects: ['7dk2'] } },
  planBackfill: { body: { dataset: 'shop.sales', from: '2026-11-01', to: '2026-11-02' } },
  startBackfill: { body: { dataset: 'shop.sales', from: '2026-11-01', to: '2026-11-02' } },
  listBooks: { path: '/v1/books?run=last&all' },
  trace: { path: '/v1/trace?table=sales&key=id%3D1' },
  listTokens: {},
  createToken: { body: { name: 'x', scopes: ['read'] } },
  revokeToken: { path: '/v1/tokens/x' },
};

test('every answer is as described', async (t) => {
  const { ask, state } = await testApi(t);
  await state.put(DEAD_LETTERS, LETTER);
  await state.put(RUNS, { ...RUN, id: 'failed', status: 'failed', startedAt: '2026-11-24T03:00:00.000Z' });
  const validate = validator();
  const inJson = operations.filter((o) => 'application/json' in contentOf(o.operation));
  assert.deepEqual(Object.keys(CALLS).sort(), inJson.map((o) => o.operation.operationId).sort());
  for (const [id, { path, body }] of Object.entries(CALLS)) {
    const { operation, method, path: template } = operations.find((o) => o.operation.operationId === id)!;
    const where = path ?? template.replace('{id}', RUN.id).replace('{name}', 'daily');
    const answer = await ask(method.toUpperCase(), where, { ...(body !== undefined && { body }) } as AskOptions);
    assert.equal(String(answer.status), Object.keys(operation.responses)[0], `${id}: ${answer.text}`);
    validate(contentOf(operation)['application/json']!.schema, answer.json, id);
  }
  const problem = await ask('POST', '/v1/runs', { body: { no: 1 } });
  validate({ $ref: '#/components/schemas/Problem' }, problem.json, 'problem');
});

function contentOf(operation: Operation): Record<string, { schema: object }> {
  return (Object.values(operation.responses)[0] as { content: Record<string, { schema: object }> }).content;
}

function validator(): (schema: object, value: unknown, what: string) => void {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema({ $id: 'https://granary.test/api', components: (document as OpenApi).components });
  return (schema, value, what) => {
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"https://granary.test/api#/'));
    const check = ajv.compile(absolute);
    assert.ok(check(value), `${what}: ${ajv.errorsText(check.errors)}`);
  };
}

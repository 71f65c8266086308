import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { GranaryError } from '../lib/errors.ts';
import { RUNS } from '../model/runs.ts';
import { open, RUN, testApi } from './testing.ts';

test('a run is started, followed to its end without missing what it told before, and found again', async (t) => {
  const { ask, asked, events, server, state } = await testApi(t);
  const started = await ask('POST', '/v1/runs', { body: { sources: ['shop'], parameters: { day: '2026-11-24' } } });
  assert.deepEqual([started.status, started.json], [201, { run: RUN.id }]);
  assert.deepEqual(asked[0], {
    what: 'start',
    value: { sources: ['shop'], parameters: { day: '2026-11-24' }, command: 'POST /v1/runs by owner' },
    by: 'owner',
  });
  const failed = (what: string) => ({
    type: 'failed' as const,
    what,
    error: new GranaryError('internal', what).toJSON(),
  });
  events.add(RUN.id, failed('before'));
  const stream = await open(server, 'GET', `/v1/runs/${RUN.id}/events`);
  assert.equal(stream.headers['content-type'], 'text/event-stream');
  const [first] = await once(stream, 'data');
  assert.match(String(first), /^id: 1\nevent: failed\ndata: \{"type":"failed","what":"before"/);
  events.add(RUN.id, failed('while it goes'));
  events.end({ ...RUN, status: 'failed' });
  const rest = await text(stream);
  assert.match(rest, /while it goes/);
  assert.match(rest, /id: 3\nevent: ended\ndata: \{"type":"ended","run":\{"id":"20261125T030000Z-abc123".*\n\n$/);
  const again = await ask('GET', `/v1/runs/${RUN.id}/events`, { headers: { 'last-event-id': '2' } });
  assert.match(again.text, /^id: 3\nevent: ended\n/);
  await state.put(RUNS, { ...RUN, id: 'old', status: 'succeeded' });
  assert.match((await ask('GET', '/v1/runs/old/events')).text, /^id: 1\nevent: ended\n/);
  assert.equal((await ask('GET', '/v1/runs/none/events')).json.code, 'run.not_found');
});

test('rows stream as lines that end with a proof of completeness', async (t) => {
  const { ask } = await testApi(t);
  const lines = (sql: string) => ask('POST', '/v1/query', { body: { sql } });
  const whole = await lines('SELECT n');
  assert.equal(whole.headers['content-type'], 'application/x-ndjson');
  assert.equal(
    whole.text,
    '{"columns":[{"name":"n","type":"integer"}]}\n[1]\n[2]\n[3]\n{"end":{"rows":3,"truncated":false}}\n',
  );
  const broken = (await lines('SELECT breaks')).text
    .trim()
    .split('\n')
    .map((l) => JSON.parse(l));
  assert.equal(broken.at(-1).error.code, 'query.incomplete');
  const wrong = await lines('SELECT wrong');
  assert.deepEqual([wrong.status, wrong.json.where], [422, { line: 1, column: 8 }]);
});

test('a reader that takes nothing is given up, and its query ends', async (t) => {
  const ended = Promise.withResolvers<void>();
  const query = async () => ({
    columns: [],
    truncated: () => false,
    batches: (async function* () {
      try {
        for (;;) yield [['x'.repeat(100_000)]];
      } finally {
        ended.resolve();
      }
    })(),
  });
  const { server } = await testApi(t, { stallMs: 50 }, { query });
  const slow = await open(server, 'POST', '/v1/query', { body: { sql: 'SELECT 1' } });
  slow.on('error', () => undefined);
  slow.pause();
  await ended.promise;
});

test('a caller who goes away ends what it asked for', async (t) => {
  const ended = Promise.withResolvers<void>();
  async function* logs(_: unknown, signal: AbortSignal) {
    yield { at: '2026-11-25T03:00:00.000Z', level: 'info' as const, message: 'first' };
    await new Promise((done) => signal.addEventListener('abort', done));
    ended.resolve();
  }
  const { server } = await testApi(t, {}, { logs });
  const stream = await open(server, 'GET', '/v1/logs?follow=true');
  stream.on('error', () => undefined);
  await once(stream, 'data');
  stream.destroy();
  await ended.promise;
});

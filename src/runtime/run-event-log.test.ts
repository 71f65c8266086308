import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunDoc } from '../model/runs.ts';
import type { RunEvent } from './pipelines/run-events.ts';
import { RunEventLog } from './run-event-log.ts';

const DOC = { id: 'r1', status: 'succeeded' } as RunDoc;
const failed = (what: string): RunEvent => ({
  type: 'failed',
  what,
  error: { code: 'internal', message: what, transient: false },
});
const never = { signal: new AbortController().signal, over: async () => undefined };

async function told(events: AsyncIterable<{ seq: number; event: { type: string; what?: string } }>): Promise<string[]> {
  const out: string[] = [];
  for await (const { seq, event } of events) out.push(`${seq} ${event.what ?? event.type}`);
  return out;
}

test('who comes late, and who comes again, hears everything once', async () => {
  const log = new RunEventLog();
  log.add('r1', failed('a'));
  const early = told(log.follow('r1', never));
  log.add('r1', failed('b'));
  await new Promise(setImmediate);
  log.end(DOC);
  assert.deepEqual(await early, ['1 a', '2 b', '3 ended']);
  assert.deepEqual(await told(log.follow('r1', never)), ['1 a', '2 b', '3 ended']);
  assert.deepEqual(await told(log.follow('r1', { ...never, after: 2 })), ['3 ended']);
  assert.deepEqual(await told(log.follow('r1', { ...never, after: 900 })), ['1 a', '2 b', '3 ended']);
});

test('a run that ended before this process is told as ended', async () => {
  const log = new RunEventLog();
  assert.deepEqual(await told(log.follow('r1', { ...never, after: 7, over: async () => DOC })), ['8 ended']);
});

test('a run that is redriven is followed to its new end', async () => {
  const log = new RunEventLog();
  log.end(DOC);
  log.add('r1', failed('again'));
  const following = told(log.follow('r1', { ...never, after: 1 }));
  await new Promise(setImmediate);
  log.end(DOC);
  assert.deepEqual(await following, ['2 again', '3 ended']);
});

test('who waits is let go when it stops, and memory does not grow with the runs that ended', async () => {
  const log = new RunEventLog();
  const stop = new AbortController();
  const following = told(log.follow('r1', { ...never, signal: stop.signal }));
  await new Promise(setImmediate);
  stop.abort();
  assert.deepEqual(await following, []);
  for (let i = 0; i < 200; i++) log.end({ ...DOC, id: `r${i}` });
  const old = await told(log.follow('r0', { ...never, over: async () => DOC }));
  assert.deepEqual(old, ['1 ended'], 'forgotten, so its record is asked for');
});

test('of very many events the oldest are dropped', async () => {
  const log = new RunEventLog();
  for (let i = 1; i <= 50_000; i++) log.add('r1', failed(String(i)));
  log.end(DOC);
  const all = await told(log.follow('r1', never));
  assert.ok(all.length < 25_000);
  assert.equal(all.at(-1), '50001 ended');
  assert.equal(all.at(-2), '50000 50000');
});

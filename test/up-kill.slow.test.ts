/**
 * `granary up` under kill -9 while files keep coming and mails go out: in the end tables, books and rejects are those of an undisturbed run, no
 * finished step was repeated, and everybody was told. `KILLS=1000 node --test test/up-kill.slow.test.ts` is the run for a night; `SEED` repeats one.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../src/adapters/clock/system.ts';
import { DEAD_LETTERS } from '../src/model/dead-letters.ts';
import { INCIDENTS, NOTIFICATIONS, type NotificationDoc } from '../src/model/notifications.ts';
import { OBJECTS } from '../src/model/objects.ts';
import { RUNS } from '../src/model/runs.ts';
import { FIRES } from '../src/model/schedules.ts';
import type { Collection, StateStore } from '../src/ports/state-store.ts';
import { findGarbage } from '../src/runtime/gc.ts';
import { startOwner } from '../src/runtime/owner/owner.ts';
import { openRuntime, type Runtime } from '../src/runtime/runtime.ts';
import { differences, type Fingerprint, fingerprintOf } from '../src/torture/fingerprint.ts';
import { type MailServer, smtpMissing, startMailServer } from './servers/smtp.ts';
import { makeProject } from './support/projects.ts';
import { readHistories } from './support/up-histories.ts';
import { arrive, isAlive, type Known, startUp, until, workersOf } from './support/up-owner.ts';
import { TRAFFIC_ENVIRONMENT, trafficFile, trafficProject } from './support/up-traffic.ts';

const KILLS = Number(process.env['KILLS'] ?? 50);
const FILES_A_KILL = 2;
/** Claims of messages hold for three minutes: for whoever comes later they have run out. */
const LATER_MS = 300_000;

test(`after ${KILLS} kills of granary up nothing is lost, doubled, repeated or left untold`, {
  skip: smtpMissing(),
}, async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1e9);
  t.diagnostic(`seed ${seed}`);
  Object.assign(process.env, TRAFFIC_ENVIRONMENT);
  try {
    await torment(t, generator(seed));
  } catch (e) {
    throw new Error(`With SEED=${seed} KILLS=${KILLS}: ${e instanceof Error ? e.message : e}`, { cause: e });
  }
});

async function torment(t: TestContext, random: () => number): Promise<void> {
  const mails = await startMailServer();
  t.after(() => mails.stop());
  const { expected, usualMs } = await undisturbed(t);
  const dir = await makeProject(t, trafficProject(mails.port));
  let files = 0;
  const workers: Known[] = [];
  const startedAt = performance.now();
  for (let kill = 0; kill < KILLS; kill++) {
    const up = startUp(t, dir);
    const last = kill === KILLS - 1;
    const lifeMs = random() * 1.5 * usualMs;
    // Some files come while nothing runs, some while it starts, some while it works.
    for (const at of Array.from({ length: FILES_A_KILL }, () => random() * lifeMs).sort((a, b) => a - b)) {
      const wait = at - (performance.now() - up.startedAt);
      if (wait > 0 && !last) await delay(wait);
      const { path, content } = await trafficFile(files++);
      await arrive(dir, path, content);
    }
    await delay(Math.max(0, lifeMs - (performance.now() - up.startedAt)));
    assert.equal(up.process.exitCode, null, `it ended by itself: ${up.said()}`);
    workers.push(...workersOf(up.pid));
    up.process.kill('SIGKILL');
    await up.ended;
  }
  const tookMs = performance.now() - startedAt;
  await until('the workers of the killed ended by themselves', () => !workers.some(isAlive));
  assert.equal(await startUp(t, dir, '--once').ended, 0);
  assert.deepEqual(differences(expected, await fingerprintOf({ dir })), []);
  await judge(t, dir, mails);
  t.diagnostic(
    `${KILLS} kills in ${Math.round(tookMs / 1000)} s, ${files} files, ${workers.length} workers ended by themselves, ${expected.rows} rows compared`,
  );
}

/** The same files, all there at once; and how long a start and the work on some of them take. */
async function undisturbed(t: TestContext): Promise<{ expected: Fingerprint; usualMs: number }> {
  const silent = await startMailServer();
  t.after(() => silent.stop());
  const dir = await makeProject(t, trafficProject(silent.port));
  const bring = async (from: number, to: number) => {
    for (let n = from; n < to; n++) {
      const { path, content } = await trafficFile(n);
      await arrive(dir, path, content);
    }
  };
  const files = KILLS * FILES_A_KILL;
  const first = Math.min(files, 8);
  await bring(0, first);
  const began = performance.now();
  const up = startUp(t, dir);
  await up.ready;
  await until(
    'the first files',
    () => (up.said().match(/^[✓✗!].* received|dead letter|quarantine/gm) ?? []).length >= first / 2,
  );
  const usualMs = performance.now() - began;
  await bring(first, files);
  assert.equal(await up.stop(), 0, up.said());
  assert.equal(await startUp(t, dir, '--once').ended, 0);
  const expected = await fingerprintOf({ dir });
  assert.equal(expected.unbalanced, 0);
  assert.ok(expected.tables['main.sales']!.rows > 0 && expected.tables['granary.rejects']!.rows > 0);
  return { expected, usualMs };
}

/** State, histories, messages and files of the data directory, read by an owner that comes some minutes later. */
async function judge(t: TestContext, dir: string, mails: MailServer): Promise<void> {
  const clock = { now: () => Date.now() + LATER_MS, sleep: systemClock.sleep };
  const runtime = await openRuntime({ dir, command: 'test', waitSeconds: 20, clock });
  try {
    const { orchestrator } = await runtime.pipelines();
    const histories = await readHistories(orchestrator);
    assert.deepEqual(histories.wrong, []);
    t.diagnostic(`${histories.executions} runs, ${histories.handedBack} attempts handed back by a kill`);
    const { state } = runtime.context;
    assert.deepEqual(await all(state, RUNS, (r) => r.status === 'running' && r.id), []);
    assert.deepEqual(await all(state, FIRES, (f) => ['starting', 'queued'].includes(f.status) && f.id), []);
    const owner = await startOwner({ runtime, version: 'test', onProblem: (what, e) => assert.fail(`${what}: ${e}`) });
    await until('nothing left to send', async () => {
      const open = await all(state, NOTIFICATIONS, (n) => n.status !== 'sent' && n.id);
      return open.length === 0;
    });
    await owner.stop(10_000);
    await assertTold(t, state, mails);
    await assertTidy(runtime);
  } finally {
    await runtime.close();
  }
}

/** Every fact is in a message, and every message was received, as the same text however often. */
async function assertTold(t: TestContext, state: StateStore, mails: MailServer): Promise<void> {
  const received = new Map<string, string[]>();
  for (const { messageId, text } of await mails.mails())
    received.set(messageId, [...(received.get(messageId) ?? []), text]);
  for (const [id, texts] of received) assert.equal(new Set(texts).size, 1, `${id} stands for one message`);
  const notes = await all(state, NOTIFICATIONS, (n) => n);
  assert.deepEqual(
    notes.filter((n) => !received.has(`<${n.id}@example.com>`)).map((n) => n.id),
    [],
    'every message was received',
  );
  assert.equal(received.size, notes.length);

  const landed = await all(state, OBJECTS, (o) => o.id);
  const told = (of: (n: NotificationDoc) => boolean) => notes.filter(of).reduce((n, note) => n + note.count, 0);
  assert.equal(
    told((n) => n.kind === 'event' && n.group.startsWith('object.landed|')),
    landed.length,
  );
  const incidents = await all(state, INCIDENTS, (i) => i);
  for (const { id, told: channels } of incidents) {
    assert.ok(channels['ops'], `${id} was told`);
    assert.ok(notes.some((n) => n.incident === id && n.kind === 'problem'));
  }
  const counted = (kind: string) => incidents.filter((i) => i.kind === kind).reduce((n, i) => n + i.count, 0);
  assert.equal(counted('quarantine'), (await all(state, OBJECTS, (o) => o.status === 'quarantined' && o.id)).length);
  assert.equal(counted('dead_letter'), (await all(state, DEAD_LETTERS, (d) => d.id)).length);
  const twice = [...received.values()].reduce((n, texts) => n + texts.length - 1, 0);
  assert.ok(twice <= KILLS, `${twice} mails came twice in ${KILLS} kills`);
  t.diagnostic(
    `${notes.length} messages about ${landed.length} objects and ${incidents.length} incidents, ${twice} came twice`,
  );
}

/** What kills have left is known to `gc`, and nothing is left that it does not know. */
async function assertTidy(runtime: Runtime): Promise<void> {
  for await (const g of findGarbage(runtime)) await g.remove();
  const left: string[] = [];
  for await (const g of findGarbage(runtime)) left.push(g.name);
  assert.deepEqual(left, []);
}

async function all<D extends { id: string }, T>(
  state: StateStore,
  collection: Collection<D>,
  pick: (doc: D) => T | false,
): Promise<T[]> {
  const out: T[] = [];
  for await (const doc of state.query(collection)) {
    const picked = pick(doc);
    if (picked !== false) out.push(picked);
  }
  return out;
}

function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state / 2 ** 32;
  };
}

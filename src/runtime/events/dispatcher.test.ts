import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SimulatedClock } from '../../../test/support/simulated-clock.ts';
import { openStateStore } from '../../adapters/state-store/sqlite.ts';
import { GranaryError } from '../../lib/errors.ts';
import { EVENTS, type EventDoc, toEmit } from '../../model/events.ts';
import { type Collection, putWrite, type StateStore } from '../../ports/state-store.ts';
import { EVENT_MARKS, EventDispatcher, type EventHandler } from './dispatcher.ts';

interface Tally {
  id: string;
  count: number;
}
const TALLIES: Collection<Tally> = { name: 'tallies', indexes: {} };

async function open(
  t: TestContext,
): Promise<{ state: StateStore; clock: SimulatedClock; again(): Promise<StateStore> }> {
  const dir = await mkdtemp(join(tmpdir(), 'granary-events-'));
  const opened: StateStore[] = [];
  const again = async () => {
    opened.push(await openStateStore(join(dir, 'state.db')));
    return opened.at(-1)!;
  };
  t.after(async () => {
    for (const state of opened) await state.close();
    await rm(dir, { recursive: true });
  });
  return { state: await again(), clock: new SimulatedClock('2026-11-25T00:00:00Z'), again };
}

function event(id: string, at = '2026-11-25T00:00:00.000Z'): EventDoc {
  return { id, type: 'table.changed', subject: 'main.sales', tenant: 'main', at, data: {} };
}
const emit = (state: StateStore, ...events: EventDoc[]) => state.transact(events.map(toEmit));

async function all<T extends { id: string }>(state: StateStore, collection: Collection<T>): Promise<string[]> {
  const ids: string[] = [];
  for await (const doc of state.query(collection)) ids.push(doc.id);
  return ids;
}

/** Counts events in the store, in the dispatcher's transaction. */
const counting =
  (state: StateStore, id: string): EventHandler =>
  async () => {
    const known = await state.get(TALLIES, id);
    const doc = { id, count: (known?.count ?? 0) + 1 };
    return [putWrite(TALLIES, doc, known ? { rev: known.rev } : { absent: true })];
  };

test('every subscriber is given every event in the order of time, and the outbox is empty afterwards', async (t) => {
  const { state, clock } = await open(t);
  const seen: Record<string, string[]> = { a: [], b: [] };
  const dispatcher = new EventDispatcher({ state, clock });
  for (const name of ['a', 'b'])
    dispatcher.subscribe(name, async (e) => {
      seen[name]!.push(e.id);
    });
  const late = Array.from({ length: 700 }, (_, i) =>
    event(`e${String(i).padStart(4, '0')}`, new Date(clock.now() + i).toISOString()),
  );
  for (let i = late.length; i > 0; i -= 100) await emit(state, ...late.slice(Math.max(0, i - 100), i));
  await dispatcher.drain();
  assert.deepEqual(
    seen['a'],
    late.map((e) => e.id),
  );
  assert.deepEqual(seen['b'], seen['a']);
  assert.deepEqual(await all(state, EVENTS), []);
  assert.deepEqual(await all(state, EVENT_MARKS), []);
});

test('an event that is written after a later one is not passed over', async (t) => {
  const { state, clock } = await open(t);
  const seen: string[] = [];
  const dispatcher = new EventDispatcher({ state, clock });
  dispatcher.subscribe('a', async (e) => void seen.push(e.id));
  await emit(state, event('late', '2026-11-25T00:00:09.000Z'));
  await dispatcher.drain();
  await emit(state, event('early', '2026-11-25T00:00:01.000Z'));
  await dispatcher.drain();
  assert.deepEqual(seen, ['late', 'early']);
});

test('what a subscriber returns is written exactly once, whatever else fails', async (t) => {
  const { state, clock } = await open(t);
  let failures = 0;
  const dispatcher = new EventDispatcher({ state, clock, onError: () => failures++ });
  dispatcher.subscribe('counts', counting(state, 'n'));
  dispatcher.subscribe('fails', async (e) => {
    if (e.id === 'e1') throw new GranaryError('state.io', 'not now', { transient: true });
  });
  await emit(state, event('e1'), event('e2'), event('e3'));
  for (let i = 0; i < 4; i++) await dispatcher.drain();
  assert.equal((await state.get(TALLIES, 'n'))!.count, 3);
  assert.equal(failures, 1);
  assert.deepEqual(await all(state, EVENTS), ['e1']);
});

test('an event on which a subscriber fails is tried again later and holds up no other', async (t) => {
  const { state, clock } = await open(t);
  const seen: string[] = [];
  let broken = true;
  const dispatcher = new EventDispatcher({ state, clock });
  dispatcher.subscribe('a', async (e) => {
    if (e.id === 'e1' && broken) throw new GranaryError('state.io', 'not now', { transient: true });
    seen.push(e.id);
  });
  dispatcher.start();
  await emit(state, event('e1'), event('e2'));
  dispatcher.notify();
  await clock.settle();
  assert.deepEqual(seen, ['e2']);
  broken = false;
  await clock.advance(1000);
  assert.deepEqual(seen, ['e2', 'e1']);
  assert.deepEqual(await all(state, EVENTS), []);
  await dispatcher.stop();
});

test('a terminal error is given up after some tries, and said to be final', async (t) => {
  const { state, clock } = await open(t);
  const finals: boolean[] = [];
  const dispatcher = new EventDispatcher({ state, clock, onError: (_e, _event, _name, final) => finals.push(final) });
  dispatcher.subscribe('a', async () => {
    throw new GranaryError('stage.bad_input', 'never');
  });
  dispatcher.start();
  await emit(state, event('e1'));
  await clock.advance(60_000);
  assert.deepEqual(finals, [false, false, false, false, true]);
  assert.deepEqual(await all(state, EVENTS), []);
  await dispatcher.stop();
});

test('after a restart nobody is given again what was marked, and the others get what is left', async (t) => {
  const { state, clock, again } = await open(t);
  const first = new EventDispatcher({ state, clock });
  first.subscribe('counts', counting(state, 'n'));
  first.subscribe('down', async () => {
    throw new GranaryError('state.io', 'not now', { transient: true });
  });
  await emit(state, event('e1'), event('e2'));
  await first.drain();

  const reopened = await again();
  const seen: string[] = [];
  const second = new EventDispatcher({ state: reopened, clock });
  second.subscribe('counts', counting(reopened, 'n'));
  second.subscribe('down', async (e) => void seen.push(e.id));
  await second.drain();
  assert.deepEqual(seen, ['e1', 'e2']);
  assert.equal((await reopened.get(TALLIES, 'n'))!.count, 2);
  assert.deepEqual(await all(reopened, EVENTS), []);
});

test('events that nobody announces are found by the sweep', async (t) => {
  const { state, clock } = await open(t);
  const seen: string[] = [];
  const dispatcher = new EventDispatcher({ state, clock, sweepMs: 5000 });
  dispatcher.subscribe('a', async (e) => void seen.push(e.id));
  dispatcher.start();
  await clock.settle();
  await emit(state, event('e1'));
  await clock.advance(5000);
  assert.deepEqual(seen, ['e1']);
  await dispatcher.stop();
  assert.equal(clock.sleepers, 0);
});

test('an event that is written again while it is handled is given out again', async (t) => {
  const { state, clock } = await open(t);
  const seen: unknown[] = [];
  const dispatcher = new EventDispatcher({ state, clock });
  dispatcher.subscribe('a', async (e) => {
    seen.push(e.data['n']);
    if (seen.length === 1) await emit(state, { ...event('e1'), data: { n: 2 } });
  });
  await emit(state, { ...event('e1'), data: { n: 1 } }, event('e2'));
  await dispatcher.drain();
  await dispatcher.drain();
  assert.deepEqual(seen, [1, undefined, 2]);
  assert.deepEqual(await all(state, EVENTS), []);
});

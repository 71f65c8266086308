/** What every state store does, whatever it is made of. Adapters' tests call it with a way to open an empty store. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Collection, Doc, StateStore, Versioned, Write } from '../../src/ports/state-store.ts';
import { toArray } from './to-array.ts';

export interface OpenedStateStore {
  /** Empty. */
  store: StateStore;
  /** A second handle on the same documents, as another process would open it. */
  reopen(): Promise<StateStore>;
}

interface Note extends Doc {
  text?: string;
  nested?: { list: unknown[] };
}
const notes: Collection<Doc> & Collection<Note> = { name: 'notes', indexes: {} };

interface Run extends Doc {
  status?: string;
  priority?: number | null;
  startedAt?: string;
}
const runs: Collection<Run> = {
  name: 'runs',
  indexes: { byStatus: ['status', 'startedAt'], byPriority: ['priority'] },
};

/** `open` cleans up after itself with `t.after`. */
export function stateStoreContract(name: string, open: (t: TestContext) => Promise<OpenedStateStore>): void {
  describe(`${name} keeps the state store's contract`, () => {
    test('a document comes back as it was, without its undefined fields, with a revision', async (t) => {
      const { store, reopen } = await open(t);
      const doc: Note = { id: 'ä/1 "x"', text: 'ünï\u0000😀\n', nested: { list: [1, 0.1, -5e300, null, { a: [] }] } };
      await store.put(notes, { ...doc, extra: undefined } as Note);
      for (const s of [store, await reopen()]) {
        const found = await s.get(notes, doc.id);
        assert.ok(found && Number.isSafeInteger(found.rev), JSON.stringify(found));
        assert.deepEqual(found, { ...doc, rev: found.rev });
      }
      assert.equal(await store.get(notes, 'no such'), undefined);
    });

    test('collections are apart: the same id in two of them is two documents', async (t) => {
      const { store } = await open(t);
      await store.put(notes, { id: '1', text: 'note' });
      await store.put(runs, { id: '1', status: 'done' });
      assert.equal((await store.get(notes, '1'))?.text, 'note');
      assert.equal((await store.get(runs, '1'))?.status, 'done');
    });

    test('a write replaces the whole document and raises its revision', async (t) => {
      const { store } = await open(t);
      const first = await putAndGet(store, { id: '1', text: 'a', nested: { list: [1] } });
      const second = await putAndGet(store, { id: '1', text: 'b' });
      assert.equal(second.nested, undefined);
      assert.ok(second.rev > first.rev, `${first.rev} then ${second.rev}`);
    });

    test('a document read, changed and written back does not keep its old revision inside', async (t) => {
      const { store } = await open(t);
      const first = await putAndGet(store, { id: '1', text: 'a' });
      const second = await putAndGet(store, { ...first, text: 'b' });
      assert.ok(second.rev > first.rev);
      await store.put(notes, { ...second, text: 'c' }, { rev: second.rev });
    });

    test('"absent" creates a document once', async (t) => {
      const { store } = await open(t);
      await store.put(notes, { id: '1', text: 'first' }, { absent: true });
      await assert.rejects(store.put(notes, { id: '1', text: 'second' }, { absent: true }), conflictOn('notes', '1'));
      assert.equal((await store.get(notes, '1'))?.text, 'first');
    });

    test('a write on a revision fails when someone else wrote, removed, or removed and wrote again meanwhile', async (t) => {
      const { store, reopen } = await open(t);
      const other = await reopen();
      const read = await putAndGet(store, { id: '1', text: 'read' });
      await other.put(notes, { id: '1', text: 'theirs' });
      const mine = { id: '1', text: 'mine' };
      await assert.rejects(store.put(notes, mine, { rev: read.rev }), conflictOn('notes', '1'));
      await assert.rejects(store.remove(notes, '1', { rev: read.rev }), conflictOn('notes', '1'));
      await other.remove(notes, '1');
      await assert.rejects(store.put(notes, mine, { rev: read.rev }), conflictOn('notes', '1'));
      assert.equal(await store.get(notes, '1'), undefined);
      await other.put(notes, { id: '1', text: 'read' });
      await assert.rejects(store.put(notes, mine, { rev: read.rev }), conflictOn('notes', '1'));
      assert.equal((await store.get(notes, '1'))?.text, 'read');
    });

    test('removing: with its revision, without condition, and of what is not there', async (t) => {
      const { store } = await open(t);
      const { rev } = await putAndGet(store, { id: '1' });
      await store.remove(notes, '1', { rev });
      assert.equal(await store.get(notes, '1'), undefined);
      await store.remove(notes, '1');
      await store.remove(notes, '1', { absent: true });
      await store.put(notes, { id: '1' });
      await assert.rejects(store.remove(notes, '1', { absent: true }), conflictOn('notes', '1'));
      await store.remove(notes, '1');
      assert.equal(await store.get(notes, '1'), undefined);
    });

    test('a transaction does all of its writes, or with one failed condition none of them', async (t) => {
      const { store } = await open(t);
      const { rev } = await putAndGet(store, { id: 'old', text: 'x' });
      const writes: Write[] = [
        { put: { collection: notes, doc: { id: 'new' }, condition: { absent: true } } },
        { put: { collection: runs, doc: { id: 'r' } } },
        { remove: { collection: notes, id: 'old', condition: { rev } } },
      ];
      const failing: Write = { put: { collection: runs, doc: { id: 'z' }, condition: { rev: 1 } } };
      await assert.rejects(store.transact([...writes, failing]), conflictOn('runs', 'z'));
      assert.deepEqual(await ids(store, notes), ['old']);
      assert.deepEqual(await ids(store, runs), []);
      await store.transact(writes);
      assert.deepEqual(await ids(store, notes), ['new']);
      assert.deepEqual(await ids(store, runs), ['r']);
    });

    test('a transaction takes 100 writes and no more, each to another document', async (t) => {
      const { store } = await open(t);
      const write = (i: number): Write => ({ put: { collection: notes, doc: { id: String(i) } } });
      await store.transact(Array.from({ length: 100 }, (_, i) => write(i)));
      assert.equal((await ids(store, notes)).length, 100);
      const tooMany = Array.from({ length: 101 }, (_, i) => write(1000 + i));
      await assert.rejects(store.transact(tooMany), { code: 'state.invalid' });
      const twice: Write[] = [write(500), { remove: { collection: notes, id: '500' } }];
      await assert.rejects(store.transact(twice), { code: 'state.invalid' });
      await store.transact([]);
      assert.equal((await ids(store, notes)).length, 100);
    });

    test('a query gives the documents with the given index values, in the order of the others, then of ids', async (t) => {
      const { store } = await open(t);
      await putRuns(store);
      const q = (equals: string[], more = {}) => ids(store, runs, { index: 'byStatus', equals, ...more });
      assert.deepEqual(await q(['failed']), ['r3', 'r1', 'r5', 'r2']);
      assert.deepEqual(await q(['failed'], { descending: true }), ['r2', 'r5', 'r1', 'r3']);
      assert.deepEqual(await q(['failed'], { limit: 2 }), ['r3', 'r1']);
      assert.deepEqual(await q(['failed'], { limit: 0 }), []);
      assert.deepEqual(await q(['failed', '2026-02-01']), ['r1', 'r5']);
      assert.deepEqual(await q(['done']), ['r4']);
      assert.deepEqual(await q(['Failed']), []);
      assert.deepEqual(await q([]), ['r4', 'r3', 'r1', 'r5', 'r2']);
    });

    test('without an index a query gives every document by id, in the order of UTF-8 bytes', async (t) => {
      const { store } = await open(t);
      for (const id of ['b', 'B', 'a10', 'a2', '\uffee', '😀', 'ä']) await store.put(notes, { id });
      assert.deepEqual(await ids(store, notes), ['B', 'a10', 'a2', 'b', 'ä', '\uffee', '😀']);
      assert.deepEqual(await ids(store, notes, { descending: true, limit: 2 }), ['😀', '\uffee']);
    });

    test('an index holds numbers in the order of numbers, and only the documents that have its fields', async (t) => {
      const { store } = await open(t);
      const values = [10, 9, -1, 0.1, 1e15, undefined, null];
      for (const [i, priority] of values.entries()) await store.put(runs, { id: `p${i}`, priority });
      assert.deepEqual(await ids(store, runs, { index: 'byPriority' }), ['p2', 'p3', 'p1', 'p0', 'p4']);
      for (const [i, priority] of values.entries())
        if (priority) assert.deepEqual(await ids(store, runs, { index: 'byPriority', equals: [priority] }), [`p${i}`]);
    });

    test('an index follows its documents when they change and when they go', async (t) => {
      const { store } = await open(t);
      await putRuns(store);
      await store.put(runs, { id: 'r1', status: 'done', startedAt: '2026-05-01' });
      await store.transact([{ remove: { collection: runs, id: 'r3' } }]);
      assert.deepEqual(await ids(store, runs, { index: 'byStatus', equals: ['failed'] }), ['r5', 'r2']);
      assert.deepEqual(await ids(store, runs, { index: 'byStatus', equals: ['done'] }), ['r4', 'r1']);
    });

    test('a long query gives every document once, while others are written and the ones given are changed', async (t) => {
      const { store } = await open(t);
      const width = 4;
      const expected = Array.from({ length: 1500 }, (_, i) => String(i).padStart(width, '0'));
      for (let i = 0; i < expected.length; i += 100)
        await store.transact(
          expected.slice(i, i + 100).map((id) => ({
            put: { collection: runs, doc: { id, status: 'ready', startedAt: id.slice(0, 2) } as Run },
          })),
        );
      for (const descending of [false, true]) {
        const found: string[] = [];
        for await (const run of store.query(runs, { index: 'byStatus', equals: ['ready'], descending })) {
          found.push(run.id);
          if (found.length % 100 === 1)
            await store.put(runs, { id: run.id, status: 'ready', startedAt: run.startedAt });
          if (found.length === 700) await store.put(runs, { id: `${run.id}-behind`, status: 'other' });
        }
        assert.deepEqual(found, descending ? expected.toReversed() : expected);
      }
      assert.deepEqual(
        await ids(store, runs, { index: 'byStatus', limit: 600, equals: ['ready'] }),
        expected.slice(0, 600),
      );
    });

    test('two handles that count on one document by its revision lose no count', async (t) => {
      const { store, reopen } = await open(t);
      const handles = [store, await reopen()];
      await store.put(notes, { id: 'count', nested: { list: [] } });
      await Promise.all(handles.map((h) => Promise.all([countUp(h, 25), countUp(h, 25)])));
      assert.equal((await store.get(notes, 'count'))?.nested?.list.length, 100);
    });

    test('what does not fit is refused: an unknown index, too many values, an index field that has no order', async (t) => {
      const { store } = await open(t);
      const refused = { code: 'state.invalid', transient: false };
      await assert.rejects(ids(store, runs, { index: 'byColour' }), refused);
      await assert.rejects(ids(store, runs, { equals: ['done'] }), refused);
      await assert.rejects(ids(store, runs, { index: 'byPriority', equals: [1, 2] }), refused);
      for (const priority of [true, [1], { a: 1 }, 2 ** 60])
        await assert.rejects(store.put(runs, { id: 'x', priority } as unknown as Run), refused, String(priority));
      await assert.rejects(store.put(runs, { id: '' }), refused);
      assert.deepEqual(await ids(store, runs), []);
    });
  });
}

async function putAndGet(store: StateStore, doc: Note): Promise<Versioned<Note>> {
  await store.put(notes, doc);
  const found = await store.get(notes, doc.id);
  assert.ok(found);
  return found;
}

async function putRuns(store: StateStore): Promise<void> {
  const rows: [id: string, status: string | undefined, startedAt: string | undefined][] = [
    ['r1', 'failed', '2026-02-01'],
    ['r2', 'failed', '2026-03-01'],
    ['r3', 'failed', '2026-01-01'],
    ['r4', 'done', '2026-01-01'],
    ['r5', 'failed', '2026-02-01'],
    ['r6', 'failed', undefined],
    ['r7', undefined, '2026-01-01'],
  ];
  for (const [id, status, startedAt] of rows) await store.put(runs, { id, status, startedAt });
}

/** Adds one to the list of document `count`, `times` times, as a reader-and-writer that tries again on a conflict. */
async function countUp(store: StateStore, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const read = await store.get(notes, 'count');
    assert.ok(read?.nested);
    const next = { id: 'count', nested: { list: [...read.nested.list, 1] } };
    try {
      await store.put(notes, next, { rev: read.rev });
      done++;
    } catch (e) {
      assert.equal((e as { code?: string }).code, 'state.conflict');
    }
  }
}

async function ids<T extends Doc>(
  store: StateStore,
  collection: Collection<T>,
  query?: Parameters<StateStore['query']>[1],
): Promise<string[]> {
  return (await toArray(store.query(collection, query))).map((doc) => doc.id);
}

function conflictOn(collection: string, id: string) {
  return { code: 'state.conflict', transient: false, details: { collection, id } };
}

/** Property: whatever is loaded, replayed and superseded in whatever order, a table is what the slow model makes of its active objects. */
import assert from 'node:assert/strict';
import type { TableColumn } from '../../src/model/schema.ts';
import type { LoadStrategy, Warehouse } from '../../src/ports/warehouse.ts';
import { toArray } from './to-array.ts';
import { countOf, tableOf } from './warehouse-model.ts';
import type { ObjectMaker, Row, TestObject } from './warehouse-objects.ts';

export interface Case {
  strategy: LoadStrategy;
  /** Type of column `v`. */
  version: 'timestamp' | 'integer';
  /** Some objects are complete. */
  complete?: boolean;
  /** Versions mostly grow from object to object, as those of captured changes do. */
  grows?: boolean;
}

const key = ['k', 'k2'];

export const CASES: Readonly<Record<string, Case>> = {
  append: { strategy: { strategy: 'append' }, version: 'integer' },
  replace: { strategy: { strategy: 'replace' }, version: 'integer' },
  replace_partition: { strategy: { strategy: 'replace_partition', partition: key }, version: 'integer' },
  merge: { strategy: { strategy: 'merge', key }, version: 'integer' },
  'merge by version': { strategy: { strategy: 'merge', key, version: ['v', 'a'] }, version: 'timestamp' },
  snapshot: { strategy: { strategy: 'snapshot', key }, version: 'integer' },
  'snapshot by number': { strategy: { strategy: 'snapshot', key, version: ['v'] }, version: 'integer' },
  'snapshot by time': { strategy: { strategy: 'snapshot', key, version: ['v'] }, version: 'timestamp' },
  'snapshot with deletes': { strategy: { strategy: 'snapshot', key, deletes: true }, version: 'integer' },
  'snapshot with deletes by time': {
    strategy: { strategy: 'snapshot', key, version: ['v'], deletes: true },
    version: 'timestamp',
  },
  'append of a log': { strategy: { strategy: 'append', deleted: 'gone' }, version: 'integer', complete: true },
  'merge with deleted rows': { strategy: { strategy: 'merge', key, deleted: 'gone' }, version: 'integer' },
  'merge of complete objects': { strategy: { strategy: 'merge', key }, version: 'integer', complete: true },
  'merge with deleted rows and complete objects': {
    strategy: { strategy: 'merge', key, deleted: 'gone' },
    version: 'integer',
    complete: true,
  },
  'merge by version with deleted rows and complete objects': {
    strategy: { strategy: 'merge', key, version: ['v', 'a'], deleted: 'gone' },
    version: 'timestamp',
    complete: true,
  },
  'snapshot with deleted rows': { strategy: { strategy: 'snapshot', key, deleted: 'gone' }, version: 'integer' },
  'snapshot by time with deleted rows': {
    strategy: { strategy: 'snapshot', key, version: ['v'], deleted: 'gone' },
    version: 'timestamp',
  },
  'snapshot of complete objects': { strategy: { strategy: 'snapshot', key }, version: 'integer', complete: true },
  'snapshot with deleted rows and complete objects': {
    strategy: { strategy: 'snapshot', key, deleted: 'gone' },
    version: 'integer',
    complete: true,
  },
  'snapshot by number with deleted rows and complete objects': {
    strategy: { strategy: 'snapshot', key, version: ['v'], deleted: 'gone' },
    version: 'integer',
    complete: true,
  },
  'snapshot by time with deleted rows and complete objects': {
    strategy: { strategy: 'snapshot', key, version: ['v'], deleted: 'gone' },
    version: 'timestamp',
    complete: true,
  },
  'history by number': {
    strategy: { strategy: 'snapshot', key, version: ['v'] },
    version: 'integer',
    grows: true,
  },
  'history by time and number with deleted rows': {
    strategy: { strategy: 'snapshot', key, version: ['v', 'a'], deleted: 'gone' },
    version: 'timestamp',
    grows: true,
  },
  'history by time with deleted rows and complete objects': {
    strategy: { strategy: 'snapshot', key, version: ['v'], deleted: 'gone' },
    version: 'timestamp',
    complete: true,
    grows: true,
  },
  'snapshot with deletes and deleted rows': {
    strategy: { strategy: 'snapshot', key, deletes: true, deleted: 'gone' },
    version: 'integer',
    complete: true,
  },
};

/** Loads random objects in a random way and compares after every load. Equal seeds do the same. */
export async function loadAtRandom(warehouse: Warehouse, maker: ObjectMaker, c: Case, seed: number): Promise<void> {
  const random = randomOf(seed);
  const dataset = `random.${c.strategy.strategy}_${seed}`;
  const { deleted } = c.strategy;
  const columns: TableColumn[] = [
    { name: 'k', type: 'text' },
    { name: 'k2', type: 'integer' },
    { name: 'v', type: c.version },
    { name: 'a', type: 'integer' },
    { name: 'b', type: 'text' },
    ...(deleted ? [{ name: deleted, type: 'boolean' as const }] : []),
  ];
  const loaded = new Map<string, TestObject>();
  const superseded = new Set<string>();
  const ids = Array.from({ length: 6 }, (_, i) => `object${i}`);
  const inOrder = random.chance(c.grows ? 0.8 : 0.3);
  for (let step = 0; step < 9; step++) {
    const id = inOrder ? ids[Math.min(step, 5)]! : random.of(ids);
    const earlier = loaded.get(id);
    const from = c.grows ? step * random.of([2, 3, 3]) : 0;
    const object: TestObject = {
      id,
      order: earlier?.order ?? (inOrder ? `2026-01-0${step + 1}` : `2026-01-0${random.int(1, 5)}`),
      effective: '',
      rows: Array.from({ length: random.chance(0.1) ? 0 : random.int(1, 8) }, () => randomRow(random, c, from)),
      supersedes: random.chance(0.2) ? [random.of(ids.filter((other) => other !== id))] : [],
      curationId: `step${step}`,
      complete: c.complete === true && random.chance(0.3),
    };
    // Mostly as the file's date says, now and then not.
    object.effective = `${random.chance(0.1) ? '2026-01-03' : object.order}T00:00:00Z`;
    const result = await warehouse.load(await maker.request(dataset, columns, c.strategy, object));
    loaded.set(id, object);
    for (const old of object.supersedes!) superseded.add(old);

    const active = [...loaded.values()].filter((o) => !superseded.has(o.id));
    const asStored = active.map((o) => ({ ...o, effective: o.effective.replace('T', ' ').replace('Z', '') }));
    const temporal = c.version === 'timestamp';
    const expected = tableOf(asStored, c.strategy, temporal);
    const place = `seed ${seed}, step ${step}: ${JSON.stringify(object)}`;
    assert.deepEqual(sorted(await tableRows(warehouse, dataset)), sorted(expected), place);
    assert.equal(result.inserted, countOf(asStored, c.strategy, temporal, id), place);
    assert.equal(result.inserted + result.deduplicated, object.rows.length, place);
    assert.equal(result.tableRows, expected.length, place);
  }
}

function randomRow(random: Random, { version, grows, strategy: { deleted } }: Case, from: number): Row {
  const gone = deleted ? { [deleted]: random.chance(0.3) ? true : random.chance(0.2) ? null : false } : {};
  const v = from + random.int(1, grows ? 3 : 5);
  return {
    k: random.chance(0.1) ? null : random.of(['x', 'y', 'z']),
    k2: random.chance(0.2) ? null : 1,
    v: random.chance(grows ? 0.02 : 0.1)
      ? null
      : version === 'integer'
        ? v
        : `2026-01-${String(v).padStart(2, '0')} 12:00:00`,
    a: random.chance(0.1) ? null : random.int(1, 2),
    b: random.chance(0.2) ? null : 'same',
    ...gone,
  };
}

async function tableRows(warehouse: Warehouse, dataset: string): Promise<Row[]> {
  const { columns, batches } = await warehouse.query(`SELECT * EXCLUDE (_member) FROM ${dataset.replaceAll('.', '_')}`);
  const rows = (await toArray(batches)).flat();
  return rows.map((values) => Object.fromEntries(columns.map((column, i) => [column.name, values[i]])));
}

const sorted = (rows: Row[]): string[] => rows.map((r) => JSON.stringify(Object.entries(r).sort())).sort();

interface Random {
  /** Both ends included. */
  int(from: number, to: number): number;
  chance(probability: number): boolean;
  of<T>(items: readonly T[]): T;
}

/** Mulberry32. */
function randomOf(seed: number): Random {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  return { int, chance: (p) => next() < p, of: (items) => items[int(0, items.length - 1)]! };
}

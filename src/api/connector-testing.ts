/**
 * `granary/connector/testing`: what every connector that reads records must do, as tests of node:test. Against a real source, or one that the
 * test starts. Run with `node --test connectors/`.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { openDuckDbEngine } from '../adapters/engine/duckdb.ts';
import { type ColumnType, parseColumnType } from '../model/schema.ts';
import type { Engine } from '../ports/engine.ts';
import type { ExtractConnector, ExtractDataset, Extracted, ExtractSource, Position } from '../ports/extract.ts';
import { guarded, shapeProblem } from '../runtime/own-code/connector-guard.ts';
import type { ExtractDefinition } from './connector.ts';
import { Broken, jsonOf, type LandedObject, MemorySink } from './memory-sink.ts';
import { parseWhole } from './parse-whole.ts';
import { type Landed, readLanded } from './read-landed.ts';

export interface ContractOptions<C, R> {
  connector: ExtractDefinition<C, R>;
  /** Settings of the connector, as in YAML, without references. */
  config?: Record<string, unknown>;
  /** `read` of a dataset, as in YAML; without it the first thing that the connector offers is read. */
  read?: unknown;
  /** Columns by their names at the source, and their types; without them those that the connector proposes. */
  columns?: Record<string, string>;
  /** Makes something new at the source, where the test can. It must show in the next extraction. */
  change?(): Promise<void> | void;
}

const LIMIT_MS = 120_000;
const MOST_BREAKS = 20;
const POSITION_BYTES = 64 * 1024;

/** Declares the tests; `name` is the type of the connector. There must be at least one record to read. */
export function connectorContract<C, R>(name: string, options: ContractOptions<C, R>): void {
  describe(`connector ${name}`, { timeout: LIMIT_MS }, () => {
    test('has what a connector needs, and describes what it writes', async (t) => {
      assert.equal(shapeProblem(options.connector), undefined);
      const { described } = await prepare(name, options, t);
      assert.deepEqual(described.problems ?? [], []);
    });

    test('offers what can be read, with columns and a read that it takes itself', async (t) => {
      const { connector, source } = await prepare(name, options, t);
      for await (const offer of source.offers()) {
        parseWhole(connector.read, offer.read, `read of the offer ${offer.name}`);
        const proposal = await source.propose(offer);
        parseWhole(connector.read, proposal.read, `read that is proposed for ${offer.name}`);
        assert.ok(proposal.columns.length > 0, `${offer.name} is proposed without columns`);
        for (const column of proposal.columns) assert.ok(parseColumnType(column.type), `${column.type} is no type`);
        const names = proposal.columns.map((c) => c.from);
        for (const key of proposal.key) assert.ok(names.includes(key), `the key ${key} is none of ${names.join(', ')}`);
        break;
      }
    });

    test('reads everything from nothing, and every record becomes a row', async (t) => {
      const bench = await prepare(name, options, t);
      const { objects, extracted } = await extract(bench);
      const landed = await bench.read(objects);
      assert.deepEqual(landed.rejects, []);
      assert.ok(landed.records > 0, 'nothing was read: the contract needs at least one record');
      assert.equal(landed.rows.length, landed.records);
      const size = Buffer.byteLength(JSON.stringify(extracted.position));
      assert.ok(size <= POSITION_BYTES, `the position has ${size} bytes`);
      assert.deepEqual(jsonOf(extracted.position), extracted.position, 'a position is JSON');
    });

    test('declares as many rows as it wrote, where it declares any', async (t) => {
      const bench = await prepare(name, options, t);
      const { objects } = await extract(bench);
      for (const object of objects) {
        if (object.declared?.rows === undefined) continue;
        assert.equal((await bench.read([object])).records, object.declared.rows);
      }
    });

    test('reads nothing new from where it has come to', async (t) => {
      const bench = await prepare(name, options, t);
      const first = await extract(bench);
      const second = await extract(bench, { position: first.extracted.position });
      if (second.objects.length === 0) return;
      // What has no mark of what is new is read whole again.
      const [before, after] = [await bench.read(first.objects), await bench.read(second.objects)];
      const known = new Set(before.rows.map((row) => JSON.stringify(row)));
      assert.deepEqual(
        after.rows.filter((row) => !known.has(JSON.stringify(row))),
        [],
        'rows that the first extraction did not give',
      );
      assert.ok(
        after.records === 0 || second.objects.some((o) => o.complete),
        'the same records again: give a position that says what was read, or open the object with complete: true',
      );
    });

    if (options.change)
      test('reads what is new from where it has come to', async (t) => {
        const bench = await prepare(name, options, t);
        const first = await extract(bench);
        await options.change!();
        const second = await extract(bench, { position: first.extracted.position });
        assert.ok((await bench.read(second.objects)).records > 0, 'what is new was not read');
      });

    test('gives the same whatever it is broken off at, and goes on after a checkpoint', async (t) => {
      const bench = await prepare(name, options, t);
      const calm = new MemorySink();
      const whole = sorted(await bench.read((await extract(bench, { sink: calm })).objects));
      const breaks = [
        ...Array.from({ length: calm.checkpoints }, (_, i) => ({ checkpoint: i + 1 })),
        ...Array.from({ length: calm.writes }, (_, i) => ({ write: i + 1 })),
      ].slice(0, MOST_BREAKS);
      assert.ok(breaks.length > 0, 'it writes nothing');
      for (const at of breaks) {
        const sink = new MemorySink(at);
        await assert.rejects(extract(bench, { sink }), isBreak, `the break at ${JSON.stringify(at)} was swallowed`);
        const { objects } = await extract(bench, { sink: sink.resumed() });
        assert.deepEqual(sorted(await bench.read(objects)), whole, `after a break at ${JSON.stringify(at)}`);
      }
    });

    test('stops when it is told to', async (t) => {
      const bench = await prepare(name, options, t);
      const reason = new Error('stop');
      await assert.rejects(
        extract(bench, { signal: AbortSignal.abort(reason) }),
        { code: 'cancelled' },
        'it does not look at request.signal: signal?.throwIfAborted()',
      );
    });
  });
}

interface Bench<R> {
  connector: ExtractConnector<unknown, R>;
  source: ExtractSource<R>;
  open(): Promise<ExtractSource<R>>;
  dataset: ExtractDataset<R>;
  described: ReturnType<ExtractConnector<unknown, R>['describe']>;
  read(objects: readonly LandedObject[]): Promise<Landed>;
}

async function prepare<C, R>(name: string, options: ContractOptions<C, R>, t: TestContext): Promise<Bench<R>> {
  const made = { ...options.connector, type: name } as ExtractConnector<C, R>;
  const connector = guarded(name, made, { dir: process.cwd(), file: `connectors/${name}.ts` }) as ExtractConnector<
    unknown,
    R
  >;
  const config = parseWhole(connector.spec, options.config ?? {}, 'config');
  const open = async () => {
    const source = await connector.open(config, { projectDir: process.cwd(), source: name });
    t.after(() => source.close());
    return source;
  };
  const source = await open();
  const { read, columns } = await whatToRead(source, options);
  const dataset = { name, read: parseWhole(connector.read, read, 'read') as R, columns };
  const described = connector.describe(dataset.read, config);
  const added = Object.values(described.columns ?? {}).map(({ type, from }) => ({ name: from, from, type }));
  return {
    connector,
    source,
    open,
    dataset,
    described,
    async read(objects) {
      const all = await Promise.all(objects.map((o) => readLanded(o.bytes, described, [...columns, ...added])));
      return {
        records: all.reduce((n, l) => n + l.records, 0),
        rows: all.flatMap((l) => l.rows),
        rejects: all.flatMap((l) => l.rejects),
      };
    },
  };
}

async function whatToRead<R>(
  source: ExtractSource<R>,
  { read, columns }: { read?: unknown; columns?: Record<string, string> },
) {
  const given = columns && Object.entries(columns).map(([from, type]) => ({ name: from, from, type: typeOf(type) }));
  if (read !== undefined && given) return { read, columns: given };
  for await (const offer of source.offers()) {
    if (read !== undefined && JSON.stringify(offer.read) !== JSON.stringify(read)) continue;
    const proposal = await source.propose(offer);
    return { read: read ?? proposal.read, columns: given ?? proposal.columns };
  }
  throw new Error('The connector offers nothing like that: give the contract `read` and `columns`.');
}

function typeOf(text: string): ColumnType {
  const type = parseColumnType(text);
  if (!type) throw new Error(`"${text}" is no type of a column.`);
  return type;
}

/** From a source that is opened for it: nothing may be remembered but the position. */
async function extract<R>(
  bench: Bench<R>,
  given: { position?: Position; sink?: MemorySink; signal?: AbortSignal } = {},
): Promise<{ extracted: Extracted; objects: LandedObject[] }> {
  const { sink = new MemorySink(), position, signal } = given;
  const source = await bench.open();
  const scratch = await mkdtemp(join(tmpdir(), 'granary-contract-'));
  const engines: Engine[] = [];
  try {
    const extracted = await source.extract(
      {
        feed: bench.described.feed ?? bench.dataset.name,
        datasets: [bench.dataset],
        position: position && jsonOf(position),
        progress: sink.progress,
        full: false,
        now: () => Date.now(),
        currentKeys: async () => undefined,
        async openEngine() {
          const engine = await openDuckDbEngine({ memoryLimit: 400e6, threads: 1, scratch });
          engines.push(engine);
          return engine;
        },
        scratch,
        warn: () => undefined,
        progressed: () => undefined,
        ...(signal && { signal }),
      },
      sink,
    );
    await sink.end(extracted.declared);
    return { extracted, objects: sink.ended };
  } finally {
    for (const engine of engines) await engine.close().catch(() => undefined);
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What the sink threw comes out again, as it is or as the cause. */
const isBreak = (e: unknown): boolean => e instanceof Broken || (e instanceof Error && isBreak(e.cause));

const sorted = ({ rows }: Landed) => rows.map((row) => JSON.stringify(row)).sort();

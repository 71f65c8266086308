/** What every database must do as a source. Run against real servers. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { SqlRead } from '../../src/connectors/lib/sql/read.ts';
import { GranaryError } from '../../src/lib/errors.ts';
import type { ExtractConnector, ExtractSource } from '../../src/ports/extract.ts';
import { openRoom } from '../csv-reading.ts';
import type { CuttingProxy } from '../servers/cutting-proxy.ts';
import { datasetOf, extractOnce, MemorySink, MergedTable, readLanded, rowsOf } from '../support/extracting.ts';

/** A connection that writes. Statements are run as they are. */
export interface Writer {
  run(statement: string): Promise<void>;
  /** Rows as text. */
  rows(statement: string): Promise<Record<string, string | null>[]>;
  end(): Promise<void>;
}

export interface ExtractFixture {
  // biome-ignore lint/suspicious/noExplicitAny: a connector of any configuration.
  connector: ExtractConnector<any, SqlRead>;
  /** With settings beside those of the connection. */
  open(settings?: Record<string, unknown>): Promise<ExtractSource<SqlRead>>;
  openWithWrongCredentials(): Promise<ExtractSource<SqlRead>>;
  openUnreachable(): Promise<ExtractSource<SqlRead>>;
  openThrough(proxy: CuttingProxy): Promise<ExtractSource<SqlRead>>;
  /** As a user who may not see the transactions of others. */
  openUnprivileged(): Promise<ExtractSource<SqlRead>>;
  startProxy(): Promise<CuttingProxy>;
  /** In the database or schema that names without one mean. */
  connect(): Promise<Writer>;
  /** Two more databases or schemas that exist, whose names begin with `shop_`. */
  others: [string, string];
  /** Type of an instant with microseconds, and an expression for now. */
  instant: string;
  now: string;
  /** A statement that inserts `n` rows with ids from `first` on into the columns `id, name, amount, updated_at`. */
  insertMany(table: string, first: number, n: number): string;
  /** A table with every type, what the columns must be in the contract, and its rows as the engine prints them. */
  wide: { create: string[]; table: string; types: Record<string, string>; rows: Record<string, string | null>[] };
  stop(): Promise<void>;
}

const sleep = (ms: number) => new Promise((r) => setTimeout(r, ms));

export function extractSourceContract(name: string, skip: string | false, start: () => Promise<ExtractFixture>): void {
  describe(`${name} as a source of rows`, { skip, timeout: 240_000 }, () => {
    let server: ExtractFixture;
    let source: ExtractSource<SqlRead>;
    let writer: Writer;
    before(async () => {
      server = await start();
      source = await server.open();
      writer = await server.connect();
    });
    after(async () => {
      await writer?.end();
      await source?.close();
      await server?.stop();
    });

    /** A table with an index on its watermark. */
    const makeTable = async (table: string, rows = 0, extra = '') => {
      await writer.run(
        `CREATE TABLE ${table} (id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(100), amount DECIMAL(14,2), updated_at ${server.instant} NOT NULL${extra})`,
      );
      await writer.run(`CREATE INDEX ${table.replace('.', '_')}_updated ON ${table} (updated_at)`);
      if (rows > 0) await writer.run(server.insertMany(table, 1, rows));
    };
    const incremental = { key: ['id'], watermark: ['updated_at'] };
    const dataset = (table: string, read?: unknown) => datasetOf(server.connector, source, table, read);
    const ids = (rows: Record<string, string | null>[]) => rows.map((r) => Number(r['id'])).sort((a, b) => a - b);
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

    it('takes every type to an equal value, and proposes it for the contract', async () => {
      const { create, table, types, rows } = server.wide;
      for (const statement of create) await writer.run(statement);
      const wide = await dataset(table);
      assert.deepEqual(Object.fromEntries(wide.columns.map((c) => [c.name, c.type])), types);
      const { object } = await extractOnce(source, { dataset: wide });
      await using room = await openRoom();
      const reading = await readLanded(room, server.connector, wide, object!.bytes);
      assert.deepEqual(reading.rejects, []);
      const names = wide.columns.map((c) => c.name);
      const found = reading.rows.map((row) => Object.fromEntries(names.map((n, i) => [n, row[`c${i}`]])));
      for (const [i, row] of rows.entries()) assert.deepEqual(found[i], row, `row ${i + 1}`);
      assert.equal(found.length, rows.length);
      assert.equal(object!.declared?.rows, rows.length);
    });

    it('offers its tables, and proposes a watermark where there is one', async () => {
      await makeTable('offered', 3);
      const offers = [];
      for await (const offer of source.offers()) offers.push(offer);
      assert.ok(offers.some((o) => o.name === 'offered' && o.kind === 'table'));
      const proposal = await source.propose(offers.find((o) => o.name === 'offered')!);
      assert.deepEqual(proposal.key, ['id']);
      assert.deepEqual(proposal.read, { table: 'offered', ...incremental });
      assert.deepEqual(
        proposal.columns.map((c) => [c.name, c.required]),
        [
          ['id', true],
          ['name', false],
          ['amount', false],
          ['updated_at', true],
        ],
      );
    });

    it('reads one state of a table while others write, with sums of the same state', async () => {
      await writer.run('CREATE TABLE accounts (id BIGINT PRIMARY KEY, amount DECIMAL(14,2))');
      await writer.run(`INSERT INTO accounts VALUES ${range(1, 2000).map((i) => `(${i}, 100.25)`)}`);
      const accounts = await dataset('accounts', { table: 'accounts', sums: ['amount'] });
      let isOver = false;
      let moves = 0;
      const moving = [0, 1].map(async () => {
        const mover = await server.connect();
        while (!isOver) {
          // In one order, so that two movers do not wait for each other.
          const [a, b] = [1 + Math.floor(Math.random() * 999), 1001 + Math.floor(Math.random() * 999)];
          await mover.run('BEGIN');
          await mover.run(`UPDATE accounts SET amount = amount - 7.5 WHERE id = ${a}`);
          await mover.run(`UPDATE accounts SET amount = amount + 7.5 WHERE id = ${b}`);
          await mover.run('COMMIT');
          moves++;
        }
        await mover.end();
      });
      try {
        for (let i = 0; i < 12; i++) {
          const { object } = await extractOnce(source, { dataset: accounts });
          assert.deepEqual(object!.declared, { rows: 2000, sums: { amount: '200500.00' } });
          const rows = await rowsOf(server.connector, accounts, object);
          const cents = rows.reduce((sum, r) => sum + Math.round(Number(r['amount']) * 100), 0);
          assert.equal(cents, 20_050_000);
          assert.equal(object!.complete, true);
        }
      } finally {
        isOver = true;
        await Promise.all(moving);
      }
      assert.ok(moves > 0);
    });

    it('reads what is new since the watermark, the look-back again, and nothing when nothing has changed', async () => {
      await makeTable('growing', 10);
      await writer.run(`UPDATE growing SET updated_at = '2020-01-01 00:00:00' WHERE id <= 8`);
      const growing = await dataset('growing', { table: 'growing', ...incremental, lookback: '10 min' });
      const first = await extractOnce(source, { dataset: growing });
      assert.deepEqual(ids(await rowsOf(server.connector, growing, first.object)), range(1, 10));
      assert.equal(first.object!.complete, true);
      await writer.run(server.insertMany('growing', 11, 2));
      const second = await extractOnce(source, { dataset: growing, position: first.extracted.position });
      assert.deepEqual(ids(await rowsOf(server.connector, growing, second.object)), range(9, 12));
      assert.equal(second.object!.complete, false);
      const third = await extractOnce(source, { dataset: growing, position: second.extracted.position });
      const fourth = await extractOnce(source, { dataset: growing, position: third.extracted.position });
      assert.equal(fourth.object, undefined, 'the same rows again are not landed again');
      const full = await extractOnce(source, { dataset: growing, position: fourth.extracted.position, full: true });
      assert.deepEqual(ids(await rowsOf(server.connector, growing, full.object)), range(1, 12));
    });

    it('a watermark that has rested for longer than the look-back is not read again', async () => {
      await makeTable('resting', 5);
      await writer.run("UPDATE resting SET updated_at = '2020-01-01 00:00:00'");
      const resting = await dataset('resting', { table: 'resting', ...incremental });
      const first = await extractOnce(source, { dataset: resting });
      const second = await extractOnce(source, { dataset: resting, position: first.extracted.position });
      assert.equal(second.object, undefined);
      await writer.run(server.insertMany('resting', 6, 1));
      const third = await extractOnce(source, { dataset: resting, position: second.extracted.position });
      assert.deepEqual(ids(await rowsOf(server.connector, resting, third.object)), [6]);
    });

    it('loses no row to transactions that are committed late', async () => {
      await makeTable('late');
      // No look-back at all: only what the server tells of open transactions.
      const late = await dataset('late', { table: 'late', ...incremental, lookback: '0 s' });
      const merged = new MergedTable(['id'], 'updated_at');
      let isOver = false;
      let id = 0;
      const writing = Array.from({ length: 4 }, async () => {
        const other = await server.connect();
        while (!isOver) {
          await other.run('BEGIN');
          for (let i = 0; i < 3; i++) await other.run(`INSERT INTO late VALUES (${++id}, 'n', 1, ${server.now})`);
          await sleep(Math.random() < 0.2 ? 1500 : Math.random() * 60);
          await other.run('COMMIT');
        }
        await other.end();
      });
      let position: Awaited<ReturnType<typeof extractOnce>>['extracted']['position'] | undefined;
      let strictlyLost = 0;
      let highest = '';
      const seen = new Set<string>();
      const once = async () => {
        const { extracted, object } = await extractOnce(source, { dataset: late, position });
        position = extracted.position;
        const rows = await rowsOf(server.connector, late, object);
        const before = highest;
        for (const row of rows) {
          if (!seen.has(row['id']!) && row['updated_at']! < before) strictlyLost++;
          seen.add(row['id']!);
          if (row['updated_at']! > highest) highest = row['updated_at']!;
        }
        merged.load(rows, object?.complete);
      };
      const until = Date.now() + 12_000;
      while (Date.now() < until) {
        await once();
        await sleep(50);
      }
      isOver = true;
      await Promise.all(writing);
      await once();
      const there = await writer.rows('SELECT id FROM late ORDER BY id');
      assert.deepEqual(
        ids([...merged.live().values()]),
        there.map((r) => Number(r['id'])),
      );
      assert.ok(strictlyLost > 0, 'no transaction was late: the test shows nothing');
    });

    it('says so when it may not see transactions, and relies on the look-back', async () => {
      await makeTable('blind', 3);
      const blind = await server.openUnprivileged();
      try {
        const rows = await datasetOf(server.connector, blind, 'blind', { table: 'blind', ...incremental });
        const first = await extractOnce(blind, { dataset: rows });
        assert.match(first.warnings.join(), /lookback/);
        const other = await server.connect();
        await other.run('BEGIN');
        await other.run(`INSERT INTO blind VALUES (4, 'late', 1, ${server.now})`);
        await writer.run(server.insertMany('blind', 5, 1));
        const second = await extractOnce(blind, { dataset: rows, position: first.extracted.position });
        assert.ok(!ids(await rowsOf(server.connector, rows, second.object)).includes(4));
        await other.run('COMMIT');
        await other.end();
        const third = await extractOnce(blind, { dataset: rows, position: second.extracted.position });
        assert.ok(ids(await rowsOf(server.connector, rows, third.object)).includes(4));
      } finally {
        await blind.close();
      }
    });

    it('follows a sequence, and several columns', async () => {
      await makeTable('events', 2000);
      const numbered = await dataset('events', { table: 'events', key: ['id'], watermark: 'id', lookback: 5 });
      const first = await extractOnce(source, { dataset: numbered });
      await writer.run(server.insertMany('events', 2001, 10));
      const second = await extractOnce(source, { dataset: numbered, position: first.extracted.position });
      assert.deepEqual(ids(await rowsOf(server.connector, numbered, second.object)), range(1995, 2010));
      const compound = await dataset('events', {
        table: 'events',
        key: ['id'],
        watermark: ['amount', 'id'],
        lookback: 0,
      });
      await writer.run('UPDATE events SET amount = 1');
      const third = await extractOnce(source, { dataset: compound });
      await writer.run(server.insertMany('events', 2011, 3));
      await writer.run('UPDATE events SET amount = 1 WHERE id > 2010');
      const fourth = await extractOnce(source, { dataset: compound, position: third.extracted.position });
      assert.deepEqual(ids(await rowsOf(server.connector, compound, fourth.object)), range(2010, 2013));
    });

    it('tells rows that are marked as deleted, and finds those that are gone', async () => {
      await makeTable('leaving', 20, ', gone_at DATE');
      const read = { table: 'leaving', ...incremental, deleted: 'gone_at IS NOT NULL', reconcile: 'every 1 d' };
      const leaving = await dataset('leaving', read);
      const merged = new MergedTable(['id'], 'updated_at');
      const first = await extractOnce(source, { dataset: leaving });
      merged.load(await rowsOf(server.connector, leaving, first.object), true);
      await writer.run(`UPDATE leaving SET gone_at = '2026-01-01', updated_at = ${server.now} WHERE id IN (3, 4)`);
      await writer.run('DELETE FROM leaving WHERE id IN (1, 19, 20)');
      await writer.run(server.insertMany('leaving', 21, 1));
      const keys = `id\n${range(1, 20).join('\n')}\n`;
      const second = await extractOnce(source, { dataset: leaving, position: first.extracted.position, keys });
      const rows = await rowsOf(server.connector, leaving, second.object);
      const gone = rows.filter((r) => r['_deleted'] === 'true');
      assert.deepEqual(ids(gone), [1, 3, 4, 19, 20]);
      assert.equal(gone.find((r) => r['id'] === '20')!['name'], null);
      merged.load(rows);
      assert.deepEqual(ids([...merged.live().values()]), [2, ...range(5, 18), 21]);
    });

    it('reads a large table in parts that are together the whole, numbers or texts being the key', async () => {
      await makeTable('large', 30_000);
      await writer.run(
        'CREATE TABLE large_text (code VARCHAR(40) PRIMARY KEY, name VARCHAR(100), amount DECIMAL(14,2))',
      );
      await writer.run(
        `INSERT INTO large_text SELECT concat('K-', id * 7919 % 30011, '-', id), name, amount FROM large`,
      );
      for (const statement of [
        'ANALYZE TABLE large',
        'ANALYZE large',
        'ANALYZE TABLE large_text',
        'ANALYZE large_text',
      ])
        await writer.run(statement).catch(() => undefined);
      for (const table of ['large', 'large_text']) {
        const whole = await dataset(table, { table, sums: ['amount'] });
        const parts = await dataset(table, { table, sums: ['amount'], chunks: { rows: 4000, parallel: 3 } });
        const sink = new MemorySink();
        const inParts = await extractOnce(source, { dataset: parts, sink });
        const atOnce = await extractOnce(source, { dataset: whole });
        assert.ok(sink.checkpoints > 3, `${table}: ${sink.checkpoints} parts`);
        assert.deepEqual(inParts.object!.declared, atOnce.object!.declared);
        const lines = (bytes: Buffer) => bytes.toString().trimEnd().split('\n');
        assert.deepEqual(lines(inParts.object!.bytes).toSorted(), lines(atOnce.object!.bytes).toSorted());
      }
    });

    it('goes on after the last part that was kept, when it is killed', async () => {
      const parts = await dataset('large', { table: 'large', sums: ['amount'], chunks: { rows: 4000, parallel: 2 } });
      const broken = new MemorySink(3);
      await assert.rejects(extractOnce(source, { dataset: parts, sink: broken }), /killed/);
      const sink = broken.resumed();
      const { object } = await extractOnce(source, { dataset: parts, sink });
      const rows = await rowsOf(server.connector, parts, object);
      assert.deepEqual(ids(rows), range(1, 30_000));
      assert.equal(object!.declared!.rows, 30_000);
      const changed = { ...parts, columns: parts.columns.slice(1) };
      await assert.rejects(extractOnce(source, { dataset: changed, sink: broken.resumed() }), {
        code: 'extract.stale',
      });
    });

    it('reads an increment that is large in parts of its watermark', async () => {
      const read = { table: 'large', ...incremental, chunks: { rows: 4000 } };
      await writer.run("UPDATE large SET updated_at = '2020-01-01 00:00:00' WHERE id <= 100");
      const parts = await dataset('large', read);
      const start = { value: ['2020-01-02 00:00:00'], seen: null, settled: false, offset: 0, history: [] };
      const position = { watermark: ['updated_at'], tables: { large: start }, fullAt: 0, digest: null };
      const { object } = await extractOnce(source, { dataset: parts, position });
      assert.deepEqual(ids(await rowsOf(server.connector, parts, object)), range(101, 30_000));
    });

    it('tells a broken connection as one, and reads on afterwards', async () => {
      const proxy = await server.startProxy();
      const fragile = await server.openThrough(proxy);
      try {
        const large = await dataset('large', { table: 'large', chunks: { rows: 1_000_000 } });
        proxy.cutAfter(200_000);
        await assert.rejects(extractOnce(fragile, { dataset: large }), (e) => {
          assert.ok(e instanceof GranaryError && e.code === 'connector.lost' && e.transient, String(e));
          return true;
        });
        const { object } = await extractOnce(fragile, { dataset: large });
        assert.equal(object!.declared!.rows, 30_000);
      } finally {
        await fragile.close();
        await proxy.stop();
      }
    });

    it('stops when it is told to', async () => {
      const stop = new AbortController();
      const large = await dataset('large', { table: 'large', throttle: { rows_per_second: 100 } });
      const extraction = extractOnce(source, { dataset: large, signal: stop.signal });
      setTimeout(() => stop.abort(), 300);
      await assert.rejects(extraction, { code: 'cancelled' });
    });

    it('reads tables of several places as one, and keeps them apart', async () => {
      const [one, two] = server.others;
      for (const place of [one, two]) {
        await makeTable(`${place}.sold`, place === one ? 3 : 5);
        await writer.run(`CREATE TABLE ${place}.other (id BIGINT PRIMARY KEY)`);
      }
      const read = { table: 'shop_*.sold', ...incremental };
      const sold = await datasetOf(server.connector, source, `${one}.sold`, read);
      const first = await extractOnce(source, { dataset: sold });
      const rows = await rowsOf(server.connector, sold, first.object);
      const of = (table: string) => ids(rows.filter((r) => r['_table'] === table));
      assert.deepEqual([of(`${one}.sold`), of(`${two}.sold`)], [range(1, 3), range(1, 5)]);
      assert.deepEqual(server.connector.describe(sold.read, {}).load, {
        strategy: 'merge',
        key: ['id', '_table'],
        version: ['updated_at'],
      });
      await writer.run(server.insertMany(`${two}.sold`, 6, 1));
      await writer.run(`UPDATE ${one}.sold SET updated_at = '2020-01-01 00:00:00'`);
      const second = await extractOnce(source, { dataset: sold, position: first.extracted.position });
      const again = await rowsOf(server.connector, sold, second.object);
      assert.deepEqual([...new Set(again.map((r) => r['_table']))], [`${two}.sold`]);
      assert.ok(ids(again).includes(6));
    });

    it('reads a query, from its watermark on', async () => {
      await makeTable('asked', 20);
      await writer.run(`UPDATE asked SET updated_at = '2020-01-01 00:00:00' WHERE id <= 15`);
      const query =
        "SELECT id, concat(name, '!') AS loud, updated_at FROM asked WHERE updated_at >= :watermark ORDER BY id;";
      const table = await dataset('asked');
      const columns = [
        { name: 'id', from: 'id', type: 'bigint' as const },
        { name: 'loud', from: 'loud', type: 'text' as const },
        { name: 'at', from: 'updated_at', type: 'timestamp_tz' as const },
      ];
      const asked = {
        ...table,
        ...(await datasetOf(server.connector, source, 'asked', { query, ...incremental })),
        columns,
      };
      const first = await extractOnce(source, { dataset: asked });
      const rows = await rowsOf(server.connector, asked, first.object);
      assert.deepEqual(ids(rows), range(1, 20));
      assert.match(rows[0]!['loud']!, /!$/);
      const second = await extractOnce(source, { dataset: asked, position: first.extracted.position });
      assert.deepEqual(ids(await rowsOf(server.connector, asked, second.object)), range(16, 20));
    });

    it('reads only the rows that are wanted, also of a view', async () => {
      await writer.run('CREATE VIEW some_asked AS SELECT * FROM asked WHERE id > 10');
      const some = await dataset('some_asked', { table: 'some_asked', where: 'id < 14 OR id = 20' });
      const { object } = await extractOnce(source, { dataset: some });
      assert.deepEqual(ids(await rowsOf(server.connector, some, object)), [11, 12, 13, 20]);
    });

    it('reads no faster than it is allowed to', async () => {
      await makeTable('slow', 1500);
      const slow = await dataset('slow', { table: 'slow', throttle: { rows_per_second: 1000 } });
      const began = performance.now();
      const { object } = await extractOnce(source, { dataset: slow });
      assert.equal(object!.declared!.rows, 1500);
      assert.ok(performance.now() - began > 1000);
    });

    it('tells of an empty table, and what a table lacks', async () => {
      await makeTable('no_rows');
      const empty = await dataset('no_rows');
      const { object } = await extractOnce(source, { dataset: empty });
      assert.equal(object!.declared!.rows, 0);
      assert.equal(object!.bytes.toString(), 'id,name,amount,updated_at\n');
      const wrong = { ...empty, columns: [{ name: 'a', from: 'amuont', type: 'text' as const }] };
      await assert.rejects(extractOnce(source, { dataset: wrong }), (e) => {
        assert.ok(e instanceof GranaryError && e.code === 'connector.not_found' && !e.transient);
        assert.match(`${e.message} ${e.hint}`, /amuont.*amount/s);
        return true;
      });
      const missing = { ...empty, read: (await dataset('no_rows', { table: 'no_rwos' })).read };
      await assert.rejects(extractOnce(source, { dataset: missing }), (e) => {
        assert.ok(e instanceof GranaryError && e.code === 'connector.not_found' && !e.transient);
        assert.match(`${e.message} ${e.hint}`, /no_rwos.*no_rows/s);
        return true;
      });
      const broken = { ...empty, read: (await dataset('no_rows', { table: 'no_rows', where: 'id >' })).read };
      await assert.rejects(extractOnce(source, { dataset: broken }), { code: 'connector.protocol', transient: false });
    });

    it('serves many at once with few connections', async () => {
      const narrow = await server.open({ connections: 2 });
      try {
        const large = await dataset('large', { table: 'large', chunks: { rows: 4000, parallel: 3 } });
        const all = await Promise.all(range(1, 5).map(() => extractOnce(narrow, { dataset: large })));
        for (const { object } of all) assert.equal(object!.declared!.rows, 30_000);
      } finally {
        await narrow.close();
      }
    });

    it('refuses wrong credentials for good, and takes an absent server as a passing trouble', async () => {
      await assert.rejects(server.openWithWrongCredentials(), (e) => {
        assert.ok(e instanceof GranaryError && e.code === 'connector.auth_failed' && !e.transient, String(e));
        assert.doesNotMatch(JSON.stringify(e) + e.stack, /wrong password/);
        return true;
      });
      await assert.rejects(server.openUnreachable(), { code: 'connector.unreachable', transient: true });
    });
  });
}

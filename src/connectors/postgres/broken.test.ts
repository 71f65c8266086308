import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startCuttingProxy } from '../../../test/servers/cutting-proxy.ts';
import { type PostgresServer, postgresMissing, startPostgres } from '../../../test/servers/postgres.ts';
import type { ExtractSource } from '../../ports/extract.ts';
import type { SqlRead } from '../lib/sql/read.ts';
import { Feed, openSource, type Row, until } from './testing.ts';

const skip = postgresMissing();

describe('extractions from PostgreSQL that break off', { skip, timeout: 300_000 }, () => {
  let server: PostgresServer;
  let source: ExtractSource<SqlRead>;
  before(async () => {
    server = await startPostgres();
    source = await openSource(server);
    await server.admin(
      'GRANT pg_read_all_stats TO granary; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO granary',
    );
  });
  after(async () => {
    await source?.close();
    await server?.stop();
  });

  const ids = (rows: Row[]) => rows.map((r) => Number(r['id'])).sort((a, b) => a - b);

  it('goes on after the connection broke, and after the server was killed, and loses nothing', async () => {
    await server.admin(`CREATE TABLE large AS SELECT i AS id, repeat(md5(i::text), 20) AS filling FROM generate_series(1, 60000) i;
      ALTER TABLE large ADD PRIMARY KEY (id); ANALYZE large`);
    const read = { table: 'large', chunks: { rows: 5000, parallel: 2 } };
    const columns = { id: 'integer', filling: 'text' } as const;
    const proxy = await startCuttingProxy([server.port]);
    const through = await openSource(server, { host: proxy.host, tls: 'off' });
    await using feed = await Feed.create(read, columns);
    proxy.cutAfter(22_000_000);
    await assert.rejects(feed.extract(through), { code: 'connector.lost', transient: true });
    const saved = feed.checkpoints;
    assert.ok(saved > 0 && feed.progress, 'something was kept');
    const first = await feed.extract(through);
    assert.equal(first.rows.length, 60_000);
    assert.equal(new Set(ids(first.rows)).size, 60_000);
    assert.ok(feed.checkpoints - saved < 12, 'what was kept is not read again');
    await through.close();
    await proxy.stop();

    await using second = await Feed.create(read, columns);
    second.onCheckpoint = async () => {
      if (second.checkpoints === 3) await server.kill();
    };
    await assert.rejects(second.extract(source), (e: { transient: boolean; code: string }) => {
      assert.match(e.code, /^connector\.(lost|unreachable|unavailable)$/);
      return e.transient;
    });
    await assert.rejects(second.extract(source), { code: 'connector.unreachable', transient: true });
    await server.restart();
    const { rows } = await second.extract(source);
    assert.deepEqual(
      ids(rows),
      Array.from({ length: 60_000 }, (_, i) => i + 1),
    );
    assert.ok(rows.every((r) => r['filling']!.length === 640));
  });

  it('begins anew when what was read before the break is no longer so, where no watermark would tell', async () => {
    await server.admin(`CREATE TABLE moving AS SELECT i AS id FROM generate_series(1, 20000) i;
      ALTER TABLE moving ADD PRIMARY KEY (id); ANALYZE moving`);
    const changes = [
      ['a row that moves to a part that was read', 'UPDATE moving SET id = -id WHERE id = 19999', true],
      ['a row that moves out of it', 'UPDATE moving SET id = 30001 WHERE id = 1', true],
      ['a row that goes', 'DELETE FROM moving WHERE id = 2', true],
      ['a row that goes, and one that comes', 'DELETE FROM moving WHERE id = 3; INSERT INTO moving VALUES (-3)', true],
      [
        'rows of parts that were not read',
        'DELETE FROM moving WHERE id > 15000; INSERT INTO moving SELECT generate_series(40000, 41000)',
        false,
      ],
    ] as const;
    for (const [what, statement, isStale] of changes) {
      await using feed = await Feed.create({ table: 'moving', chunks: { rows: 2000, parallel: 1 } }, { id: 'integer' });
      feed.onCheckpoint = async () => {
        if (feed.checkpoints === 3) throw new Error('broken off');
      };
      await assert.rejects(feed.extract(source), /broken off/, what);
      await server.admin(statement);
      if (isStale) {
        await assert.rejects(feed.extract(source), { code: 'extract.stale', transient: true }, what);
        feed.forget();
      }
      const { rows } = await feed.extract(source);
      const there = (await server.admin('SELECT id FROM moving ORDER BY id')).map((r) => r['id']);
      assert.deepEqual(ids(rows), there, what);
    }
  });

  it('stops on request in the middle of a table, and then the server has nothing more to do', async () => {
    // More than what is on its way holds, so that the server waits.
    await server.admin(
      'CREATE TABLE endless AS SELECT i AS id, repeat(md5(i::text), 20) AS filling FROM generate_series(1, 100000) i',
    );
    const read = { table: 'endless', throttle: { rows_per_second: 1000 } };
    await using feed = await Feed.create(read, { id: 'integer', filling: 'text' });
    const controller = new AbortController();
    const reading = feed.extract(source, { signal: controller.signal });
    const busy = async () =>
      (await server.admin("SELECT FROM pg_stat_activity WHERE usename = 'granary' AND state = 'active'")).length > 0;
    await until(busy, 'the server is busy');
    controller.abort();
    await assert.rejects(reading, { code: 'cancelled' });
    await until(async () => !(await busy()), 'the server stops');
  });

  it('gives up a statement that takes too long, for this time', async () => {
    const hasty = await openSource(server, { statement_timeout: '1 s' });
    await using feed = await Feed.create({ query: 'SELECT 1 AS id, pg_sleep(100)::text AS slept' }, { id: 'integer' });
    await assert.rejects(feed.extract(hasty), (e: { code: string; transient: boolean; hint: string }) => {
      assert.deepEqual([e.code, e.transient], ['connector.unavailable', true]);
      return /statement_timeout/.test(e.hint);
    });
    await hasty.close();
  });

  it('takes a server that says nothing for a broken connection', async () => {
    const proxy = await startCuttingProxy([server.port]);
    const through = await openSource(server, { host: proxy.host, silence: '1 s', tls: 'off' });
    proxy.goSilent();
    await using feed = await Feed.create('large', { id: 'integer' });
    await assert.rejects(feed.extract(through), { code: 'connector.lost', transient: true });
    await through.close();
    await proxy.stop();
  });
});

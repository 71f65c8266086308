/** A stream is kept from one extraction to the next, given up when somebody needs the slot, and never goes on at a wrong place. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { type PostgresServer, postgresMissing, startPostgres } from '../../../../test/servers/postgres.ts';
import type { GranaryError } from '../../../lib/errors.ts';
import { until } from '../testing.ts';
import { HOLDER } from './holder.ts';
import { ChangesFeed, type Datasets } from './testing.ts';

const T: Datasets = { t: { read: { changes: 't', key: ['id'] }, columns: { id: 'integer', v: 'text' } } };
const NAME = 'granary_shop_1';

async function started(): Promise<PostgresServer & AsyncDisposable> {
  const server = await startPostgres({ tls: 'none' });
  await server.admin(`ALTER ROLE granary REPLICATION; ALTER SCHEMA public OWNER TO granary; SET ROLE granary;
    CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a')`);
  return { ...server, [Symbol.asyncDispose]: () => server.stop() };
}

const kept = (name: string, run: () => Promise<void>) => test(name, { skip: postgresMissing(), timeout: 300_000 }, run);

const write = (server: PostgresServer, sql: string) => server.admin(`SET ROLE granary; ${sql}`);

const holderOf = async (server: PostgresServer) => {
  const [row] = await server.admin(
    `SELECT a.pid, a.application_name AS name FROM pg_replication_slots s JOIN pg_stat_activity a ON a.pid = s.active_pid WHERE s.slot_name = '${NAME}'`,
  );
  return row && { pid: Number(row['pid']), name: String(row['name']) };
};

async function isEqual(server: PostgresServer, feed: ChangesFeed): Promise<void> {
  await feed.all();
  assert.deepEqual(feed.rows('t'), await server.admin('SELECT id::text, v FROM t ORDER BY id::text'));
}

kept(
  'one stream serves all extractions, in whatever form the tables are, and what was stored is acknowledged',
  async () => {
    await using server = await started();
    await using feed = await ChangesFeed.open(server, T);
    await isEqual(server, feed);
    await write(server, "INSERT INTO t VALUES (2, 'b')");
    await isEqual(server, feed);
    const first = await holderOf(server);
    assert.equal(first?.name, HOLDER);
    for (const sql of [
      "UPDATE t SET v = 'c' WHERE id = 2",
      "ALTER TABLE t ADD x int; ALTER TABLE t DROP v; ALTER TABLE t ADD v text; INSERT INTO t (id, v) VALUES (13, 'd')",
      "INSERT INTO t (id, v) VALUES (34, 'e'); ALTER TABLE t RENAME v TO w; ALTER TABLE t RENAME w TO v; DELETE FROM t WHERE id = 1",
      'TRUNCATE t',
      "INSERT INTO t (id, v) VALUES (65, 'f')",
    ]) {
      const before = (feed.position as { lsn: string }).lsn;
      await write(server, sql);
      await isEqual(server, feed);
      await write(server, "INSERT INTO t (id, v) SELECT coalesce(max(id), 0) + 1, 'g' FROM t");
      await isEqual(server, feed);
      assert.deepEqual(await holderOf(server), first);
      const [slot] = await server.admin(
        `SELECT confirmed_flush_lsn >= '${before}' AS acknowledged FROM pg_replication_slots WHERE slot_name = '${NAME}'`,
      );
      assert.equal(slot!['acknowledged'], true);
    }
  },
);

kept('what was read and not stored is read again by another stream', async () => {
  await using server = await started();
  await using feed = await ChangesFeed.open(server, T);
  await isEqual(server, feed);
  await write(server, "INSERT INTO t VALUES (2, 'b')");
  await feed.once({ store: false });
  const first = await holderOf(server);
  await write(server, "INSERT INTO t VALUES (3, 'c')");
  await isEqual(server, feed);
  assert.notEqual((await holderOf(server))!.pid, first!.pid);
});

kept('a stream that another worker of the owner has kept is taken over; that of somebody else is not', async () => {
  await using server = await started();
  await using feed = await ChangesFeed.open(server, T);
  await isEqual(server, feed);
  await feed.reopen();
  const { host, port, user, password, database } = server;
  const receive = async (application: string) => {
    const quoted = `'${password.replace(/['\\]/g, '\\$&')}'`;
    const connection = `host=${host} port=${port} user=${user} password=${quoted} dbname=${database} sslmode=disable application_name='${application}'`;
    const options = ['--slot', NAME, '--start', '--no-loop', '-f', '-', '-o', 'proto_version=1'];
    const [program] = globSync('/usr/lib/postgresql/*/bin/pg_recvlogical');
    const child = spawn(program!, ['-d', connection, ...options, '-o', `publication_names=${NAME}`], {
      stdio: 'ignore',
    });
    const ended = new Promise((done) => child.once('close', done));
    await until(async () => (await holderOf(server))?.name === application, 'it has the slot');
    return { child, ended };
  };
  const other = await receive(HOLDER.replace(/\d+$/, '1'));
  await write(server, "INSERT INTO t VALUES (2, 'b')");
  await isEqual(server, feed);
  await other.ended;
  assert.equal((await holderOf(server))!.name, HOLDER);
  await feed.reopen();
  const stranger = await receive('granary elsewhere 1/2');
  await write(server, "INSERT INTO t VALUES (3, 'c')");
  await assert.rejects(feed.once(), (e: GranaryError) => {
    assert.match(e.message, /granary elsewhere 1\/2 from 127\.0\.0\.1 reads from the replication slot granary_shop_1/);
    return e.transient && /a slot of its own/.test(e.hint!);
  });
  assert.equal((await holderOf(server))!.name, 'granary elsewhere 1/2');
  stranger.child.kill();
  await stranger.ended;
  await isEqual(server, feed);
});

kept('a server that shuts down is not held up, and read on when it is there again', async () => {
  await using server = await started();
  await using feed = await ChangesFeed.open(server, T);
  await isEqual(server, feed);
  await write(server, "INSERT INTO t VALUES (2, 'b')");
  await isEqual(server, feed);
  await write(server, "INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(3, 50000) i");
  await server.restart();
  await write(server, 'DELETE FROM t WHERE id % 100 > 0');
  await feed.all().catch(() => undefined);
  await isEqual(server, feed);
});

/** What can go wrong at the server, and what is done about it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PostgresServer, postgresMissing, startPostgres } from '../../../../test/servers/postgres.ts';
import type { GranaryError } from '../../../lib/errors.ts';
import { until } from '../testing.ts';
import { ChangesFeed, type Datasets } from './testing.ts';

const T: Datasets = { t: { read: { changes: 't', key: ['id'] }, columns: { id: 'integer', v: 'text' } } };
const NAME = 'granary_shop_1';

/** A server with a table `t` of one row. */
async function started(settings: string[] = []): Promise<PostgresServer & AsyncDisposable> {
  const server = await startPostgres({ settings });
  await server.admin(`ALTER ROLE granary REPLICATION; ALTER SCHEMA public OWNER TO granary; SET ROLE granary;
    CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a')`);
  return { ...server, [Symbol.asyncDispose]: () => server.stop() };
}

const incident = (name: string, run: () => Promise<void>) =>
  test(name, { skip: postgresMissing(), timeout: 300_000 }, run);

const write = (server: PostgresServer, sql: string) => server.admin(`SET ROLE granary; ${sql}`);
const slotOf = async (server: PostgresServer) =>
  (
    await server.admin(
      `SELECT confirmed_flush_lsn::text AS confirmed, wal_status, active FROM pg_replication_slots WHERE slot_name = '${NAME}'`,
    )
  )[0];

/** Asserts that the tables are equal, after what has to be read was read. */
async function isEqual(server: PostgresServer, feed: ChangesFeed): Promise<void> {
  await feed.all();
  assert.deepEqual(feed.rows('t'), await server.admin('SELECT id::text, v FROM t ORDER BY id::text'));
}

incident(
  'a slot that is gone, used by somebody else, or given up by the server: everything is read anew, and told',
  async () => {
    await using server = await started(['max_slot_wal_keep_size = 16MB', 'min_wal_size = 32MB', 'max_wal_size = 32MB']);
    await using feed = await ChangesFeed.open(server, T);
    await isEqual(server, feed);
    const released = async () => {
      await feed.reopen();
      await until(async () => (await slotOf(server))?.['active'] === false, 'the slot is free');
    };

    await released();
    await server.admin(`SELECT pg_drop_replication_slot('${NAME}')`);
    await write(server, "DELETE FROM t; INSERT INTO t VALUES (2, 'b')");
    await isEqual(server, feed);
    assert.match(
      feed.warnings.shift()!,
      /changes were missed, because the replication slot granary_shop_1 was gone\. All tables are read anew/,
    );

    await write(server, "DELETE FROM t; INSERT INTO t VALUES (3, 'c')");
    await released();
    await server.admin(`SELECT pg_replication_slot_advance('${NAME}', pg_current_wal_lsn())`);
    await isEqual(server, feed);
    assert.match(feed.warnings.shift()!, /because somebody else has read from the replication slot/);

    await write(server, "DELETE FROM t; INSERT INTO t VALUES (4, 'd')");
    await released();
    for (let i = 0; i < 4; i++)
      await server.admin('SELECT pg_switch_wal(); CREATE TABLE pad (x int); DROP TABLE pad; CHECKPOINT');
    assert.equal((await slotOf(server))?.['wal_status'], 'lost');
    assert.match(
      (await feed.source.lag!('changes', feed.datasets, feed.position)).problem!,
      /slot granary_shop_1 is lost .*: the tables are read anew/,
    );
    await isEqual(server, feed);
    assert.match(feed.warnings.shift()!, /because (wal_removed|the server has removed log)/);
    assert.deepEqual((await feed.source.lag!('changes', feed.datasets, feed.position)).problem, undefined);
    assert.deepEqual(feed.warnings, []);
  },
);

incident('a publication that is gone, or lacked the table for a while, is answered by reading anew', async () => {
  await using server = await started();
  await using feed = await ChangesFeed.open(server, T);
  await isEqual(server, feed);
  await write(server, `DROP PUBLICATION ${NAME}; INSERT INTO t VALUES (2, 'b')`);
  await isEqual(server, feed);
  assert.match(feed.warnings.shift()!, /because the publication granary_shop_1 was gone/);
  await write(
    server,
    `ALTER PUBLICATION ${NAME} DROP TABLE t; INSERT INTO t VALUES (3, 'c'); ALTER PUBLICATION ${NAME} ADD TABLE t`,
  );
  await isEqual(server, feed);
  assert.match(feed.warnings.shift()!, /public\.t is read anew: it was not in the publication for a while/);
  await write(server, "DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (9, 'other')");
  await isEqual(server, feed);
  assert.match(feed.warnings.shift()!, /public\.t is read anew: it is another table of that name/);
  await write(server, "INSERT INTO t VALUES (10, 'x')");
  await isEqual(server, feed);
  assert.deepEqual(feed.warnings, []);
});

incident('a server that is killed, and comes back, is read from where it was left', async () => {
  await using server = await started();
  await using feed = await ChangesFeed.open(server, T);
  await isEqual(server, feed);
  await write(server, "INSERT INTO t SELECT i, 'x' FROM generate_series(2, 2000) i");
  await feed.once({ store: false });
  await server.kill();
  await assert.rejects(feed.once(), (e: GranaryError) => e.transient);
  await server.restart();
  await write(server, 'DELETE FROM t WHERE id % 2 = 0');
  await isEqual(server, feed);
  assert.deepEqual(feed.warnings, []);
});

incident('rows that a killed server has lost, as their commits were not waited for, are not here either', async () => {
  await using server = await started(['synchronous_commit = off', 'wal_writer_delay = 1s']);
  await write(
    server,
    `CREATE TABLE u (id int PRIMARY KEY, v text); CREATE PUBLICATION ${NAME} FOR TABLE t, u WITH (publish_via_partition_root = true)`,
  );
  await using feed = await ChangesFeed.open(server, T, { capture: { publication: NAME } });
  await feed.all();
  feed.set({ ...T, u: { read: { changes: 'u', key: ['id'] }, columns: { id: 'integer', v: 'text' } } });
  await server.admin('CHECKPOINT');
  await write(server, "INSERT INTO u VALUES (1, 'a')");
  await feed.once();
  assert.equal(feed.rows('u').length, 1);
  await server.kill();
  await server.restart();
  await feed.all().catch(() => undefined);
  await feed.all();
  assert.deepEqual(feed.rows('u'), await server.admin('SELECT id::text, v FROM u'));
});

incident('what others write does not pile up: it is read past, and acknowledged once that is stored', async () => {
  await using server = await started();
  await using feed = await ChangesFeed.open(server, T);
  await isEqual(server, feed);
  assert.equal(await feed.hasNew(), false);
  const before = await slotOf(server);
  await server.admin("CREATE TABLE noise AS SELECT repeat('x', 1000) v FROM generate_series(1, 20000)");
  assert.equal(await feed.hasNew(), true);
  const lag = await feed.source.lag!('changes', feed.datasets, feed.position);
  assert.ok(lag.bytes! > 20e6 && lag.retainedBytes! > 20e6, JSON.stringify(lag));
  const { objects, more } = await feed.once();
  assert.deepEqual([objects, more], [[], false]);
  assert.deepEqual((await slotOf(server))?.['confirmed'], before!['confirmed'], 'not before it is stored');
  assert.equal((await feed.source.lag!('changes', feed.datasets, feed.position)).seconds, 0);
  const { lsn } = feed.position as { lsn: string };
  await server.admin('DROP TABLE noise');
  await feed.once();
  const [acknowledged] = await server.admin(
    `SELECT confirmed_flush_lsn >= '${lsn}' AS it FROM pg_replication_slots WHERE slot_name = '${NAME}'`,
  );
  assert.equal(acknowledged!['it'], true);

  // While nobody reads, someone is told before the disk of the server is full.
  await using strict = await ChangesFeed.open(server, T, {
    capture: { slot: NAME, publication: NAME, retained_limit: '1 MB' },
  });
  await server.admin("CREATE TABLE noise AS SELECT repeat('x', 1000) v FROM generate_series(1, 20000)");
  const { problem } = await strict.source.lag!('changes', feed.datasets, feed.position);
  assert.match(problem!, /the server keeps \d\d+ MB of its log for the replication slot granary_shop_1/);
});

incident('an open transaction that is only half in the log is no reason to wait', async () => {
  await using server = await started(['wal_writer_delay = 10ms']);
  await using feed = await ChangesFeed.open(server, T);
  await feed.all();
  const writer = await server.connect();
  await writer.query("BEGIN; INSERT INTO t SELECT i, repeat('y', 300) FROM generate_series(100, 400) i");
  await write(server, "INSERT INTO t VALUES (2, 'b')");
  await feed.all();
  assert.deepEqual(
    feed.rows('t').map((r) => r['id']),
    ['1', '2'],
  );
  await writer.query('COMMIT');
  await writer.end();
  await isEqual(server, feed);
});

incident('two who read at once: the second waits or says so, and nothing is missed', async () => {
  await using server = await started();
  await using feed = await ChangesFeed.open(server, T);
  await using other = await ChangesFeed.open(server, T);
  await isEqual(server, feed);
  await write(server, "INSERT INTO t SELECT i, 'x' FROM generate_series(2, 500) i");
  other.position = structuredClone(feed.position);
  await Promise.all([feed.once(), other.once()]);
  await isEqual(server, feed);
  assert.deepEqual(feed.warnings, []);
});

incident('whoever may not do it is told what to run, and then it goes', async () => {
  await using server = await started(['max_replication_slots = 1']);
  await server.admin(`ALTER ROLE granary NOREPLICATION; ALTER TABLE t OWNER TO postgres; GRANT SELECT ON t TO granary;
    REVOKE CREATE ON DATABASE shop FROM granary; ALTER DATABASE shop OWNER TO postgres`);
  await using feed = await ChangesFeed.open(server, T);
  const run = async (message: RegExp) => {
    const told = await feed.once().then(
      () => Object.values(feed.troubles).join(),
      ({ message, hint }: GranaryError) => `${message} ${hint}`,
    );
    assert.match(told, message);
    const sql = /((?:CREATE|ALTER) .*?;)/.exec(told)?.[1];
    assert.ok(sql, told);
    await server.admin(sql);
  };
  await run(/granary may not read the log of the server/);
  await run(/granary may not do this, while making a publication/);
  await isEqual(server, feed);
  await server.admin(
    'CREATE TABLE keyless (a int); GRANT SELECT ON keyless TO granary; CREATE TABLE wide (id int PRIMARY KEY, k int, body text, twice int GENERATED ALWAYS AS (k * 2) STORED); GRANT SELECT ON wide TO granary',
  );
  feed.set({ ...T, keyless: { read: { changes: 'keyless', key: ['a'] }, columns: { a: 'integer' } } });
  await run(/public\.keyless, of keyless, has no primary key/);
  await run(/granary may not do this, while adding to the publication/);
  const wide = (read: object, columns: object) =>
    feed.set({
      ...T,
      wide: { read: { changes: 'wide', key: ['id'], ...read }, columns: { id: 'integer', ...columns } },
    });
  wide({ history: true }, { body: 'text' });
  await run(/is kept as a history, and the log leaves out large values that did not change \(body\)/);
  await server.admin('ALTER TABLE wide REPLICA IDENTITY DEFAULT');
  wide({ key: ['k'] }, { k: 'integer' });
  await run(/has a key of k, but the log identifies rows by id/);
  wide({}, { twice: 'integer' });
  await feed.once();
  assert.match(feed.troubles['wide']!, /has generated columns, which are not in the log \(twice\)/);
  await server.admin(`ALTER PUBLICATION ${NAME} ADD TABLE wide (id)`);
  wide({}, { k: 'integer' });
  await feed.once();
  assert.match(feed.troubles['wide']!, /is published without columns of the dataset \(k\)/);
  await server.admin(`ALTER PUBLICATION ${NAME} DROP TABLE wide; ALTER PUBLICATION ${NAME} SET (publish = 'insert')`);
  feed.set(T);
  await run(/leaves out some kinds of changes/);
  await isEqual(server, feed);
});

incident('a server whose log does not tell rows is told of', async () => {
  await using server = await started(['wal_level = replica']);
  await using feed = await ChangesFeed.open(server, T);
  await assert.rejects(feed.once(), (e: GranaryError) => {
    assert.match(e.message, /wal_level is replica/);
    return /ALTER SYSTEM SET wal_level = 'logical'/.test(e.hint!);
  });
});

incident('a change that the server itself cannot tell is told of, with how to pass over it', async () => {
  await using server = await started();
  await using feed = await ChangesFeed.open(server, T);
  await isEqual(server, feed);
  await server.admin(`CREATE TYPE odd; CREATE FUNCTION odd_in(cstring) RETURNS odd AS 'textin' LANGUAGE internal STRICT;
    CREATE FUNCTION odd_out(odd) RETURNS cstring AS 'any_out' LANGUAGE internal STRICT;
    CREATE TYPE odd (INPUT = odd_in, OUTPUT = odd_out); ALTER TABLE t ADD odd odd`);
  await write(server, "INSERT INTO t VALUES (2, 'b', 'x')");
  const told = await feed.once().then(
    () => assert.fail('it went'),
    (e: GranaryError) => e,
  );
  assert.match(told.message, /cannot tell a change that is in its log: cannot display a value of type any/);
  await server.admin('UPDATE t SET odd = NULL; ALTER TABLE t DROP odd');
  const sql = /SELECT pg_replication_slot_advance.*?;/.exec(told.hint!)![0];
  await until(async () => (await slotOf(server))?.['active'] === false, 'the slot is free');
  await server.admin(sql);
  await isEqual(server, feed);
  assert.match(feed.warnings.join(), /All tables are read anew/);
});

incident('an extraction can be stopped, and gives the slot back', async () => {
  await using server = await started();
  await using feed = await ChangesFeed.open(server, T);
  await isEqual(server, feed);
  await write(server, "INSERT INTO t SELECT i, repeat('z', 500) FROM generate_series(2, 20000) i");
  const stop = new AbortController();
  const reading = feed.once({ signal: stop.signal });
  await until(async () => (await slotOf(server))?.['active'] === true, 'it streams');
  stop.abort();
  await assert.rejects(reading, (e: GranaryError) => e.code === 'cancelled');
  await isEqual(server, feed);
});

/** A table that cannot be captured holds up no other one, is told of, and is read again by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PostgresServer, postgresMissing, startPostgres } from '../../../../test/servers/postgres.ts';
import { ChangesFeed, type Datasets } from './testing.ts';

const COLUMNS = { id: 'integer', v: 'text' } as const;
const datasetOf = (name: string) => ({ read: { changes: name, key: ['id'] }, columns: COLUMNS });
const BOTH: Datasets = { good: datasetOf('good'), bad: datasetOf('bad') };
const HOUR_MS = 3_600_000;

async function started(): Promise<PostgresServer & AsyncDisposable> {
  const server = await startPostgres();
  await server.admin(`ALTER ROLE granary REPLICATION; ALTER SCHEMA public OWNER TO granary; SET ROLE granary;
    CREATE TABLE good (id int PRIMARY KEY, v text); CREATE TABLE bad (id int PRIMARY KEY, v text);
    INSERT INTO good VALUES (1, 'a'); INSERT INTO bad VALUES (1, 'a')`);
  return { ...server, [Symbol.asyncDispose]: () => server.stop() };
}

const trouble = (name: string, run: () => Promise<void>) =>
  test(name, { skip: postgresMissing(), timeout: 300_000 }, run);

const write = (server: PostgresServer, sql: string) => server.admin(`SET ROLE granary; ${sql}`);

async function isEqual(server: PostgresServer, feed: ChangesFeed, table: string): Promise<void> {
  assert.deepEqual(feed.rows(table), await server.admin(`SELECT id::text, v FROM ${table} ORDER BY id::text`), table);
}

trouble(
  'a table that is gone, keyless, secret or misspelled: the others go on, and once it is mended it is read again',
  async () => {
    await using server = await started();
    await using feed = await ChangesFeed.open(server, BOTH);
    await feed.all();
    let id = 1;
    const cases: [breaks: string, told: RegExp, mends: string][] = [
      [
        'SET ROLE granary; DROP TABLE bad',
        /has no table or view "bad"/,
        "SET ROLE granary; CREATE TABLE bad (id int PRIMARY KEY, v text); INSERT INTO bad VALUES (5, 'new')",
      ],
      [
        'ALTER TABLE bad DROP CONSTRAINT bad_pkey',
        /public\.bad, of bad, has no primary key.* REPLICA IDENTITY FULL/,
        'DELETE FROM bad WHERE id = 5; ALTER TABLE bad ADD PRIMARY KEY (id)',
      ],
      [
        'ALTER TABLE bad RENAME id TO other',
        /has no column "id", which is in the key of bad/,
        'ALTER TABLE bad RENAME other TO id',
      ],
      [
        'ALTER TABLE bad OWNER TO postgres; REVOKE ALL ON bad FROM granary',
        /granary may not read public\.bad, of bad \(id, v\)\. GRANT USAGE ON SCHEMA .*GRANT SELECT/,
        'ALTER TABLE bad OWNER TO granary',
      ],
      [
        'ALTER TABLE bad ENABLE ROW LEVEL SECURITY; ALTER TABLE bad FORCE ROW LEVEL SECURITY',
        /only some of its rows \(row level security\)/,
        'ALTER TABLE bad DISABLE ROW LEVEL SECURITY',
      ],
    ];
    for (const [breaks, told, mends] of cases) {
      feed.warnings = [];
      await server.admin(breaks);
      await write(server, `INSERT INTO good VALUES (${++id}, 'while')`);
      assert.equal(await feed.hasNew(), true);
      await feed.all();
      await isEqual(server, feed, 'good');
      assert.match(feed.troubles['bad']!, told);
      assert.match(feed.warnings.join(), told);
      const { problem } = await feed.source.lag!('changes', feed.datasets, feed.position);
      assert.match(problem!, /^bad is not captured, and the others go on: /);
      const before = feed.warnings.length;
      await write(server, `UPDATE good SET v = 'again' WHERE id = ${id}`);
      await feed.all();
      await isEqual(server, feed, 'good');
      assert.match(feed.troubles['bad']!, told, 'it is said as long as it is so');
      assert.equal(feed.warnings.length, before, 'and logged once');
      await server.admin(`${mends}; UPDATE bad SET v = 'mended ${id}'`);
      await feed.all();
      assert.deepEqual(feed.troubles, {});
      assert.equal((await feed.source.lag!('changes', feed.datasets, feed.position)).problem, undefined);
      await isEqual(server, feed, 'bad');
      await isEqual(server, feed, 'good');
      await write(server, `UPDATE bad SET v = 'followed ${id}'`);
      await feed.all();
      await isEqual(server, feed, 'bad');
    }
  },
);

trouble('a table without a key may be written to again, as it is taken out of our publication', async () => {
  await using server = await started();
  await using feed = await ChangesFeed.open(server, BOTH);
  await feed.all();
  await server.admin('ALTER TABLE bad DROP CONSTRAINT bad_pkey');
  await assert.rejects(write(server, "UPDATE bad SET v = 'b'"), /does not have a replica identity/);
  await feed.all();
  await write(server, "UPDATE bad SET v = 'b'");
  await server.admin('ALTER TABLE bad ADD PRIMARY KEY (id)');
  await feed.all();
  await isEqual(server, feed, 'bad');
});

trouble('tables that would break their writers, or whose changes are not in the log, are not published', async () => {
  await using server = await started();
  await write(
    server,
    `CREATE TABLE late (id int PRIMARY KEY DEFERRABLE, v text); INSERT INTO late VALUES (1, 'a');
     CREATE TABLE nothing (id int PRIMARY KEY, v text); ALTER TABLE nothing REPLICA IDENTITY NOTHING;
     CREATE TABLE split (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE UNLOGGED TABLE part PARTITION OF split FOR VALUES FROM (0) TO (10)`,
  );
  const datasets = Object.fromEntries(['good', 'late', 'nothing', 'split'].map((name) => [name, datasetOf(name)]));
  await using feed = await ChangesFeed.open(server, datasets);
  await feed.all();
  assert.match(feed.troubles['late']!, /no primary key \(or only one that is checked late, DEFERRABLE\)/);
  assert.match(feed.troubles['nothing']!, /REPLICA IDENTITY NOTHING.* REPLICA IDENTITY DEFAULT;/);
  assert.match(feed.troubles['split']!, /partitions whose changes are not in the log .*: part\)/);
  await write(server, "UPDATE late SET v = 'b'; UPDATE nothing SET v = 'b'");
  await server.admin(
    'ALTER TABLE late REPLICA IDENTITY FULL; ALTER TABLE nothing REPLICA IDENTITY DEFAULT; ALTER TABLE part SET LOGGED',
  );
  await write(server, "UPDATE late SET v = 'c'; INSERT INTO split VALUES (1, 'x')");
  await feed.all();
  assert.deepEqual(feed.troubles, {});
  for (const table of ['late', 'nothing', 'split']) await isEqual(server, feed, table);
  await write(server, 'DELETE FROM late');
  await feed.all();
  await isEqual(server, feed, 'late');
});

trouble('the first extraction goes on without tables that are not there, and takes them in when they are', async () => {
  await using server = await started();
  await server.admin('CREATE SCHEMA secret; CREATE TABLE secret.t (id int PRIMARY KEY, v text)');
  const datasets = { good: datasetOf('good'), none: datasetOf('nowhere.none'), secret: datasetOf('secret.t') };
  await using feed = await ChangesFeed.open(server, datasets);
  await feed.all();
  await isEqual(server, feed, 'good');
  assert.match(feed.troubles['none']!, /has no table or view "nowhere\.none"/);
  assert.match(feed.troubles['secret']!, /granary may not read secret\.t, of secret/);
  assert.equal(await feed.hasNew(), false, 'nothing is read all the time for them');
  await server.admin(`CREATE SCHEMA nowhere AUTHORIZATION granary; ALTER SCHEMA secret OWNER TO granary; ALTER TABLE secret.t OWNER TO granary;
    SET ROLE granary; CREATE TABLE nowhere.none (id int PRIMARY KEY, v text); INSERT INTO nowhere.none VALUES (7, 'x')`);
  assert.equal(await feed.hasNew(), true);
  await feed.all();
  assert.deepEqual(feed.troubles, {});
  assert.deepEqual(feed.rows('none'), [{ id: '7', v: 'x' }]);
  assert.deepEqual(feed.rows('secret'), []);
});

trouble('when all are gone the log is read past, so that the server need not keep it', async () => {
  await using server = await started();
  await using feed = await ChangesFeed.open(server, { bad: datasetOf('bad') });
  await feed.all();
  await write(server, 'DROP TABLE bad');
  await feed.all();
  const { lsn } = feed.position as { lsn: string };
  await write(server, 'CREATE TABLE noise (i int); INSERT INTO noise SELECT generate_series(1, 1000)');
  await feed.all();
  assert.notEqual((feed.position as { lsn: string }).lsn, lsn);
  await write(server, "CREATE TABLE bad (id int PRIMARY KEY, v text); INSERT INTO bad VALUES (2, 'back')");
  await feed.all();
  assert.deepEqual([feed.troubles, feed.rows('bad')], [{}, [{ id: '2', v: 'back' }]]);
});

trouble('a table whose rows cannot be read to their end leaves nothing behind, and is tried again later', async () => {
  await using server = await started();
  await write(
    server,
    `CREATE TYPE mood AS ENUM ('fine', 'broken');
     CREATE FUNCTION mood_json(m mood) RETURNS json LANGUAGE plpgsql AS
       $$ BEGIN IF m = 'broken' THEN RAISE 'this row cannot be read'; END IF; RETURN to_json(m::text); END $$;
     CREATE CAST (mood AS json) WITH FUNCTION mood_json(mood);
     CREATE TABLE moods (id int PRIMARY KEY, v mood[]);
     INSERT INTO moods SELECT i, ARRAY['fine'::mood] FROM generate_series(1, 30000) i; INSERT INTO moods VALUES (30001, ARRAY['broken'::mood])`,
  );
  const moods = { read: { changes: 'moods', key: ['id'] }, columns: { id: 'integer', v: 'json' } } as const;
  await using feed = await ChangesFeed.open(server, { moods, ...BOTH });
  const objects = await feed.all();
  assert.deepEqual([...new Set(objects.map((o) => o.dataset))].sort(), ['bad', 'good']);
  assert.match(feed.troubles['moods']!, /this row cannot be read/);
  await write(server, "INSERT INTO good VALUES (2, 'b'); DELETE FROM moods WHERE id = 30001");
  await feed.all();
  await isEqual(server, feed, 'good');
  assert.ok(feed.troubles['moods'], 'it is not read again at every extraction');
  await feed.all({ now: Date.now() + HOUR_MS });
  assert.deepEqual(feed.troubles, {});
  assert.equal(feed.rows('moods').length, 30_000);
});

trouble('a table that is written to all the time by a transaction that does not end holds up no other', async () => {
  await using server = await started();
  await using feed = await ChangesFeed.open(server, { good: datasetOf('good') }, { statement_timeout: '1 s' });
  await feed.all();
  const writer = await server.connect();
  await writer.query("BEGIN; INSERT INTO bad VALUES (2, 'open')");
  feed.set(BOTH);
  await write(server, "INSERT INTO good VALUES (2, 'b')");
  await feed.all();
  await isEqual(server, feed, 'good');
  assert.deepEqual(feed.troubles, {}, 'it may pass by itself');
  await write(server, "INSERT INTO good VALUES (3, 'c')");
  await feed.all({ now: Date.now() + HOUR_MS });
  await isEqual(server, feed, 'good');
  assert.match(
    feed.troubles['bad']!,
    /transactions that have written to public\.bad have been open for long.* process \d+/,
  );
  await writer.query('COMMIT');
  await writer.end();
  await feed.all({ now: Date.now() + 3 * HOUR_MS });
  assert.deepEqual(feed.troubles, {});
  await isEqual(server, feed, 'bad');
});

/** Changes of a real server: what is told of rows, keys, large values, tables that change their form. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type PostgresServer, postgresMissing, startPostgres } from '../../../../test/servers/postgres.ts';
import { ChangesFeed, type Datasets, type LandedObject } from './testing.ts';

const operations = (objects: LandedObject[]) =>
  objects.flatMap((o) => o.rows.map((r) => `${r['_op']} ${r['id']}${r['_deleted'] === 'true' ? ' deleted' : ''}`));

describe('changes of PostgreSQL tables', { skip: postgresMissing(), timeout: 300_000 }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
    await server.admin('ALTER ROLE granary REPLICATION; ALTER SCHEMA public OWNER TO granary');
  });
  after(() => server?.stop());
  const sql = (statements: string) => server.admin(`SET ROLE granary; ${statements}`);
  /** Each test has a slot and a publication of its own. */
  let count = 0;
  const follow = (datasets: Datasets) => {
    const name = `test_${++count}`;
    return ChangesFeed.open(server, datasets, { capture: { slot: name, publication: name } });
  };
  const rowsAtSource = async (query: string) => {
    const rows = await server.admin(`SET datestyle = 'ISO'; ${query}`);
    return rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([k, v]) => [k, v === null ? null : String(v)])),
    );
  };

  test('all rows come first, then every change, and the tables are equal', async () => {
    await sql(`CREATE TABLE orders (id bigint PRIMARY KEY, name text, amount numeric(12,2));
      INSERT INTO orders VALUES (1, 'a "quoted", text', 1.50), (2, '', NULL), (3, E'two\\nlines', -1)`);
    await using feed = await follow({
      orders: {
        read: { changes: 'orders', key: ['id'] },
        columns: { id: 'bigint', name: 'text', amount: 'decimal(12,2)' },
      },
    });
    const first = await feed.once();
    assert.deepEqual(
      first.objects.map((o) => [o.complete, o.rows.length, o.declared]),
      [[true, 3, { rows: 3 }]],
    );
    assert.ok(first.more, 'the log since then is read at once');
    await sql(`UPDATE orders SET amount = 7 WHERE id = 1; DELETE FROM orders WHERE id = 2;
      INSERT INTO orders VALUES (4, E'\\\\N', 0.10); UPDATE orders SET id = 30 WHERE id = 3`);
    const objects = await feed.all();
    assert.deepEqual(operations(objects), [
      'update 1',
      'delete 2 deleted',
      'insert 4',
      'delete 3 deleted',
      'insert 30',
    ]);
    assert.deepEqual(feed.rows('orders'), [
      { id: '1', name: 'a "quoted", text', amount: '7.00' },
      { id: '30', name: 'two\nlines', amount: '-1.00' },
      { id: '4', name: '\\N', amount: '0.10' },
    ]);
    const positions = [...first.objects, ...objects].flatMap((o) =>
      o.rows.map((r) => [r['_changed_at']!, Number(r['_position'])]),
    );
    assert.deepEqual(
      positions,
      positions.toSorted(([a, m], [b, n]) => (a! < b! ? -1 : a! > b! ? 1 : Number(m) - Number(n))),
    );
    assert.deepEqual(feed.warnings, []);
    assert.equal(await feed.hasNew(), false, 'nothing was written since');
  });

  test('what was read and not stored is read again, with the same positions', async () => {
    await sql("CREATE TABLE again (id int PRIMARY KEY, v text); INSERT INTO again VALUES (1, 'a')");
    await using feed = await follow({
      again: { read: { changes: 'again', key: ['id'] }, columns: { id: 'integer', v: 'text' } },
    });
    await feed.once({ store: false });
    await feed.all();
    await sql("INSERT INTO again VALUES (2, 'b'); UPDATE again SET v = 'c'; DELETE FROM again WHERE id = 1");
    const lost = await feed.once({ store: false });
    assert.equal(lost.objects[0]!.rows.length, 4);
    await sql("INSERT INTO again VALUES (3, 'd')");
    const kept = await feed.all();
    assert.deepEqual(kept[0]!.rows.slice(0, 4), lost.objects[0]!.rows);
    assert.deepEqual(feed.rows('again'), [
      { id: '2', v: 'c' },
      { id: '3', v: 'd' },
    ]);
    assert.deepEqual(feed.warnings, []);
  });

  test('tables that are added while others write to them are neither behind nor told twice', async () => {
    await sql(`CREATE TABLE first (id int PRIMARY KEY);
      CREATE TABLE busy (id serial PRIMARY KEY, v int, w int DEFAULT 0); INSERT INTO busy (v) SELECT 0 FROM generate_series(1, 20)`);
    const datasets: Datasets = { first: { read: { changes: 'first', key: ['id'] }, columns: { id: 'integer' } } };
    await using feed = await follow(datasets);
    await feed.all();
    let isWriting = true;
    const write = async () => {
      const client = await server.connect();
      for (let i = 1; isWriting; i++) {
        const statements = [
          'BEGIN; UPDATE busy SET v = v + 1 WHERE id % 5 = 1; SAVEPOINT s',
          `INSERT INTO busy (v) VALUES (${i}); RELEASE SAVEPOINT s; DELETE FROM busy WHERE id > 20 AND id % 3 = 0`,
          i % 4 === 0 ? 'ROLLBACK' : 'COMMIT',
        ];
        // They may stand in each other's way.
        for (const statement of statements) await client.query(statement).catch(() => client.query('ROLLBACK'));
      }
      await client.end();
    };
    const writers = [write(), write()];
    const open = await server.connect();
    await open.query('BEGIN; UPDATE busy SET w = 1 WHERE id = 2');
    for (const name of ['busy_1', 'busy_2', 'busy_3']) {
      // The first of them is published now, after some that are not committed have written to it.
      datasets[name] = {
        read: { changes: 'busy', key: ['id'] },
        columns: { id: 'integer', v: 'integer', w: 'integer' },
      };
      feed.set(datasets);
      assert.equal(await feed.hasNew(), true);
      const reading = feed.once();
      if (name === 'busy_1') setTimeout(() => void open.query('COMMIT'), 300);
      const { objects } = await reading;
      assert.deepEqual(
        objects.map((o) => [o.dataset, o.complete]),
        [[name, true]],
      );
      await feed.once();
    }
    isWriting = false;
    await Promise.all(writers);
    await open.end();
    await sql('INSERT INTO first VALUES (1)');
    await feed.all();
    const source = await rowsAtSource('SELECT id, v, w FROM busy ORDER BY id::text COLLATE "C"');
    assert.equal(source.find((r) => r['id'] === '2')?.['w'], '1');
    for (const name of ['busy_1', 'busy_2', 'busy_3']) assert.deepEqual(feed.rows(name), source);
    assert.deepEqual(feed.rows('first'), [{ id: '1' }], 'the others go on');
    assert.deepEqual(feed.warnings, []);
  });

  test('large values that did not change are looked up, and are right when everything was read', async () => {
    const large = (seed: string) => `(SELECT string_agg(md5(i || '${seed}'), '') FROM generate_series(1, 100) i)`;
    await sql(`CREATE TABLE large (id int PRIMARY KEY, n int, body text, more text);
      INSERT INTO large SELECT i, 0, ${large('a')} || i, 'short' FROM generate_series(1, 6) i`);
    await using feed = await follow({
      large: {
        read: { changes: 'large', key: ['id'] },
        columns: { id: 'integer', n: 'integer', body: 'text', more: 'text' },
      },
      // The large value is not wanted here.
      small: { read: { changes: 'large', key: ['id'] }, columns: { id: 'integer', n: 'integer' } },
    });
    await feed.all();
    const equal = async () => {
      assert.deepEqual(feed.rows('large'), await rowsAtSource('SELECT * FROM large ORDER BY id::text'));
      assert.deepEqual(feed.rows('small'), await rowsAtSource('SELECT id, n FROM large ORDER BY id::text'));
    };
    await equal();
    await sql(`UPDATE large SET n = 1; UPDATE large SET body = ${large('b')} WHERE id = 2; UPDATE large SET n = 2 WHERE id <= 3;
      DELETE FROM large WHERE id = 4; UPDATE large SET id = 50 WHERE id = 5; UPDATE large SET body = NULL WHERE id = 6`);
    await feed.all();
    await equal();
    await sql('ALTER TABLE large REPLICA IDENTITY FULL; UPDATE large SET n = 9; UPDATE large SET id = 60 WHERE id = 6');
    const objects = await feed.all();
    await equal();
    assert.equal(objects.find((o) => o.dataset === 'large')!.rows.length, 7);
    await sql('TRUNCATE large');
    await feed.all();
    await equal();
  });

  test('tables that are emptied are empty, with those that depend on them', async () => {
    await sql(`CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent);
      INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (10, 1)`);
    await using feed = await follow({
      parent: { read: { changes: 'parent', key: ['id'] }, columns: { id: 'integer' } },
      child: { read: { changes: 'child', key: ['id'] }, columns: { id: 'integer' } },
    });
    await feed.all();
    await sql(`INSERT INTO parent VALUES (3); TRUNCATE parent CASCADE; INSERT INTO parent VALUES (2);
      BEGIN; INSERT INTO child VALUES (11, 2); TRUNCATE child; INSERT INTO child VALUES (12, 2); COMMIT`);
    const objects = await feed.all();
    assert.deepEqual(
      objects.filter((o) => o.dataset === 'parent').map((o) => [o.complete, operations([o])]),
      [
        [false, ['insert 3']],
        [true, []],
        [false, ['insert 2']],
      ],
    );
    assert.deepEqual(feed.rows('parent'), [{ id: '2' }]);
    assert.deepEqual(feed.rows('child'), [{ id: '12' }]);
  });

  test('columns are known by their names; what the log does not tell of a change of form is read anew', async () => {
    await sql(
      "CREATE TABLE forms (id int PRIMARY KEY, a text, b int, unread text); INSERT INTO forms VALUES (1, 'x', 1)",
    );
    await using feed = await follow({
      forms: { read: { changes: 'forms', key: ['id'] }, columns: { id: 'integer', a: 'text', b: 'text' } },
    });
    await feed.all();
    const equal = async () =>
      assert.deepEqual(feed.rows('forms'), await rowsAtSource('SELECT id, a, b FROM forms ORDER BY id'));
    const warnings = () => feed.warnings.splice(0);
    await sql(`INSERT INTO forms VALUES (2, 'y', 2); ALTER TABLE forms ADD c int DEFAULT 5; INSERT INTO forms VALUES (3, 'z', 3);
      ALTER TABLE forms DROP a; INSERT INTO forms (id, b) VALUES (4, 4)`);
    await feed.all();
    await sql('INSERT INTO forms (id, b) VALUES (5, 5)');
    await feed.all();
    assert.deepEqual(
      feed.rows('forms').map((r) => [r['id'], r['a'], r['b']]),
      [
        ['1', 'x', '1'],
        ['2', 'y', '2'],
        ['3', 'z', '3'],
        ['4', null, '4'],
        ['5', null, '5'],
      ],
    );
    assert.deepEqual(warnings(), [
      'public.forms has a new column "c", which is not in the contract of forms: it is not read.',
      'public.forms has no column "a" any more, which is in the contract of forms: it is NULL in new rows.',
    ]);
    await sql(
      "INSERT INTO forms (id, b) VALUES (6, 6); ALTER TABLE forms ADD a text DEFAULT 'new'; DELETE FROM forms WHERE id = 2",
    );
    await feed.all();
    await equal();
    assert.match(warnings().join(), /^public\.forms is read anew: columns of the contract were added, [^,]*$/);
    await sql('ALTER TABLE forms ALTER b TYPE numeric(6,2) USING b * 10; INSERT INTO forms (id, b) VALUES (7, 7)');
    await feed.all();
    await equal();
    assert.match(warnings().join(), /^public\.forms is read anew: its rows were written anew with other types, [^,]*$/);
    // Neither changes a value.
    await sql('ALTER TABLE forms ALTER a SET DEFAULT NULL');
    await feed.all();
    await server.admin('VACUUM FULL forms');
    await sql('INSERT INTO forms (id) VALUES (8)');
    await feed.all();
    await equal();
    assert.deepEqual(warnings(), []);
    await sql('ALTER TABLE forms RENAME id TO ident; INSERT INTO forms (ident) VALUES (9)');
    await feed.once();
    assert.match(feed.troubles['forms']!, /has no column "id", which is in the key of forms/);
  });

  test('large transactions and large values come whole, in whatever pieces', async () => {
    await sql('CREATE TABLE many (id int PRIMARY KEY, v text)');
    await using feed = await follow({
      many: { read: { changes: 'many', key: ['id'] }, columns: { id: 'integer', v: 'text' } },
    });
    await feed.all();
    await sql(`INSERT INTO many SELECT i, repeat('x', i % 97) || '"' || i FROM generate_series(1, 30000) i;
      INSERT INTO many SELECT 100000 + i, repeat(chr(96 + i) || ',', 1000000) FROM generate_series(1, 3) i`);
    const objects = await feed.all();
    assert.equal(objects.length, 1);
    const [check] = await server.admin('SELECT count(*)::int AS n, sum(length(v))::int AS l FROM many');
    const rows = feed.rows('many');
    assert.deepEqual({ n: rows.length, l: rows.reduce((sum, r) => sum + r['v']!.length, 0) }, check);
    assert.ok(
      rows.every((r) => Number(r['id']) > 100000 || r['v'] === `${'x'.repeat(Number(r['id']) % 97)}"${r['id']}`),
    );
  });

  test('partitions are one table; what happens to a partition as a whole is answered by reading anew', async () => {
    await sql(`CREATE TABLE parts (id int, day date, v text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
      CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
      CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
      INSERT INTO parts VALUES (1, '2026-01-05', 'a'), (2, '2026-02-05', 'b')`);
    await using feed = await follow({
      parts: { read: { changes: 'parts', key: ['id', 'day'] }, columns: { id: 'integer', day: 'date', v: 'text' } },
    });
    await feed.all();
    const equal = async () =>
      assert.deepEqual(feed.rows('parts'), await rowsAtSource('SELECT id, day::text, v FROM parts ORDER BY id, day'));
    await sql("UPDATE parts SET day = '2026-02-07' WHERE id = 1; INSERT INTO parts VALUES (3, '2026-01-09', 'c')");
    await feed.all();
    await equal();
    assert.deepEqual(feed.warnings, []);
    for (const change of [
      'TRUNCATE parts_1',
      'ALTER TABLE parts DETACH PARTITION parts_2',
      "ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
    ]) {
      await sql(change);
      await feed.all();
      await equal();
      assert.match(
        feed.warnings.pop()!,
        /public\.parts is read anew: partitions were added, removed, emptied or written anew/,
      );
    }
  });
});

/** What is captured lands as what is read: a real server, and values of every type. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type PostgresServer, postgresMissing, startPostgres } from '../../../../test/servers/postgres.ts';
import { WIDE } from '../../../../test/support/postgres-wide.ts';
import type { ColumnType } from '../../../model/schema.ts';
import { ChangesFeed, type Row } from './testing.ts';

/** Arrays and composite values of all that JSON writes in a way of its own. */
const NESTED: [type: string, value: string][] = [
  ['date[]', `ARRAY['2026-02-28', '0044-03-15 BC', 'infinity', NULL]::date[]`],
  ['timestamp[]', `ARRAY['2026-03-29 02:30:00.5', '0044-03-15 12:00:00 BC', '-infinity']::timestamp[]`],
  ['timestamptz[]', `ARRAY['2026-03-29 02:30:00+05:45', '0044-03-15 12:00:00+00 BC', 'infinity']::timestamptz[]`],
  ['numeric[]', `ARRAY[1.50, 'NaN', 1e50, -0.001, 'Infinity']::numeric[]`],
  ['double precision[]', `ARRAY[0.1, 'NaN', '-Infinity', 5e-324, 1e300]::float8[]`],
  ['boolean[]', `ARRAY[true, false, NULL]`],
  ['text[]', `ARRAY['', 'NULL', NULL, 'a,b', '{x}', 'q"q', 'b\\s', E'tab\\t nl\\n', 'ü😀', ' x ', E'\\x01']`],
  ['jsonb[]', `ARRAY['{"b": [1, "x\\"y"]}', 'null']::jsonb[]`],
  ['json[]', `ARRAY['{"a":  1}']::json[]`],
  ['bytea[]', `ARRAY['\\x00ff'::bytea, '']`],
  ['integer[]', `'[0:1][3:4]={{1,2},{3,NULL}}'::integer[]`],
  ['uuid[]', `ARRAY['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid]`],
  ['email[]', `ARRAY['a@b'::email]`],
  ['mood[]', `ARRAY['so, so', '"bad"']::mood[]`],
  ['box[]', `ARRAY['(1,1),(0,0)', '(2,2),(1,1)']::box[]`],
  ['int4range[]', `ARRAY['[1,5)', 'empty']::int4range[]`],
  ['pair[]', `ARRAY[ROW(1, 'x,"y"\\'), ROW(NULL, ''), NULL]::pair[]`],
  ['big', `ROW(ROW(7, '(")'), ARRAY[ROW(8, NULL)]::pair[], true, '2026-01-01 00:00:00+00', 'a@b')::big`],
  ['interval[]', `ARRAY['1 year 2 days 03:04:05.6', '-1 day']::interval[]`],
  ['int2vector', `'1 2 3'::int2vector`],
  ['pairs', `ARRAY[ROW(1, 'd')]::pair[]::pairs`],
];

describe('captured values of PostgreSQL', { skip: postgresMissing(), timeout: 300_000 }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
    await server.admin(`ALTER ROLE granary REPLICATION; GRANT ALL ON SCHEMA public TO granary;
      SET timezone = 'Europe/Berlin'; ${WIDE.create.join(';')};
      CREATE TYPE big AS (p pair, ps pair[], yes boolean, at timestamptz, mail email);
      CREATE DOMAIN pairs AS pair[];
      CREATE TABLE forms (LIKE wide);
      ALTER TABLE forms ADD PRIMARY KEY (row), REPLICA IDENTITY FULL;
      INSERT INTO forms SELECT * FROM wide;
      CREATE TABLE nested (id int PRIMARY KEY, ${NESTED.map(([type], i) => `n${i} ${type}`).join(', ')});
      INSERT INTO nested VALUES (1, ${NESTED.map(([, value]) => value).join(', ')});
      INSERT INTO nested (id) VALUES (2);
      ALTER TABLE forms OWNER TO granary; ALTER TABLE nested OWNER TO granary`);
  });
  after(() => server?.stop());

  for (const as of ['their own type', 'text'] as const)
    test(`of every type land as they do when the table is read, as ${as}`, async () => {
      const typed = (types: Record<string, ColumnType>): Record<string, ColumnType> =>
        as === 'text' ? Object.fromEntries(Object.keys(types).map((name) => [name, 'text' as const])) : types;
      await using feed = await ChangesFeed.open(
        server,
        {
          forms: { read: { changes: 'forms', key: ['row'] }, columns: typed(WIDE.types as Record<string, ColumnType>) },
          nested: {
            read: { changes: 'public.nested', key: ['id'] },
            columns: typed({ id: 'integer', ...Object.fromEntries(NESTED.map((_, i) => [`n${i}`, 'json' as const])) }),
          },
          // As timestamp, what has a zone is in UTC.
          walls: { read: { changes: 'forms', key: ['row'] }, columns: { row: 'integer', instant: 'timestamp' } },
        },
        { capture: { slot: `forms_${as.slice(0, 4)}`.trim() } },
      );
      const [read] = [await feed.once()];
      await server.admin(`SET ROLE granary; UPDATE forms SET small = small; UPDATE nested SET id = id;
        INSERT INTO forms SELECT (jsonb_populate_record(f, '{"row": 100}')).* FROM forms f WHERE row = 0;
        DELETE FROM forms WHERE row = 100`);
      const changed = await feed.all();
      const without = (row: Row) =>
        Object.fromEntries(Object.entries(row).filter(([name]) => !['_op', '_position', '_changed_at'].includes(name)));
      for (const { dataset, rows } of read.objects) {
        const updates = changed
          .filter((o) => o.dataset === dataset)
          .flatMap((o) => o.rows)
          .filter((r) => r['_op'] === 'update');
        const key = dataset === 'nested' ? 'id' : 'row';
        const sorted = (of: Row[]) => of.map(without).sort((a, b) => Number(a[key]) - Number(b[key]));
        assert.deepEqual(sorted(updates), sorted(rows), dataset);
      }
      const [gone] = changed
        .filter((o) => o.dataset === 'forms')
        .flatMap((o) => o.rows)
        .filter((r) => r['_op'] === 'delete');
      assert.equal(gone!['row'], '100');
      assert.equal(gone!['_deleted'], 'true');
      assert.match(gone!['_changed_at']!, /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);
      assert.deepEqual(feed.warnings, []);
    });
});

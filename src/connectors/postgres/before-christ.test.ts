import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type PostgresServer, postgresMissing, startPostgres } from '../../../test/servers/postgres.ts';
import type { Snapshot } from '../lib/sql/database.ts';
import { lineBeforeChrist } from './before-christ.ts';
import type { PostgresDatabase } from './database.ts';
import { openDatabase } from './testing.ts';

describe('a line with years before Christ', () => {
  const line = (text: string, times: boolean[]) => lineBeforeChrist(Buffer.from(text), times).toString();

  it('has them as the engine reads them, in its times only', () => {
    const times = [true, false, true];
    assert.equal(
      line('0044-03-15 BC,0044-03-15 BC,0001-01-01 12:00:00.5+00 BC\n', times),
      '0044-03-15 (BC),0044-03-15 BC,0001-01-01 (BC) 12:00:00.5+00\n',
    );
    assert.equal(
      line('infinity,"a ""5 BC"", b\n0044-03-15 BC",4713-01-01 BC\n', times),
      'infinity,"a ""5 BC"", b\n0044-03-15 BC",4713-01-01 (BC)\n',
    );
    assert.equal(line('"0044-03-15 BC"\n', [true]), '"0044-03-15 (BC)"\n');
    assert.equal(line('\\N,"Vancouver, BC",\\N\n', times), '\\N,"Vancouver, BC",\\N\n');
    assert.equal(line('2026-01-01,ABC,2026-01-01 00:00:00\n', times), '2026-01-01,ABC,2026-01-01 00:00:00\n');
  });
});

describe('years before Christ on the wire', { skip: postgresMissing(), timeout: 120_000 }, () => {
  let server: PostgresServer;
  let database: PostgresDatabase;
  let snapshot: Snapshot;
  before(async () => {
    server = await startPostgres();
    database = await openDatabase(server);
    // Lines of many lengths, so that they begin and end anywhere in a chunk; one is longer than a chunk, one than what is gathered.
    await server.admin(`CREATE DOMAIN birthday AS date;
      CREATE TABLE ages AS SELECT i, repeat('x', CASE i WHEN 6001 THEN 300000 WHEN 7001 THEN 17000000 ELSE i % 97 END) AS filling,
        CASE WHEN i % 3 = 0 THEN '0044-03-15 BC' WHEN i % 3 = 1 THEN 'Victoria, "BC"' ELSE 'ABC,' || i END AS words,
        (date '0001-01-01' + (i - 40000))::birthday AS day,
        timestamp '0001-01-01 00:00:00.25' + (i - 20000) * interval '7 hours' AS wall,
        CASE WHEN i % 50 = 0 THEN '-infinity' ELSE timestamptz '2026-01-01 00:00:00+05:45' - i * interval '25 days' END AS instant
      FROM generate_series(1, 80000) i;
      CREATE TABLE only_days AS SELECT date '0001-01-01' + (i - 500) AS day FROM generate_series(1, 1000) i;
      GRANT SELECT ON ages, only_days TO granary`);
    snapshot = await database.snapshot(undefined);
  });
  after(async () => {
    await snapshot?.close();
    await database?.close();
    await server?.stop();
  });

  const lines = async (table: string, form: 'landed' | 'copied', where = '') => {
    const { columns } = await database.facts(['public', table]);
    const { ident } = database.dialect;
    const list = columns.map((c) => database.dialect[form](ident(c.name), c, c.type));
    const pieces: Buffer[] = [];
    const write = async (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes));
    const rows = await snapshot.copy(
      `SELECT ${list.join(', ')} FROM ${table}${where} ORDER BY ${table}.${ident(columns[0]!.name)}`,
      {
        write,
        signal: undefined,
      },
    );
    return { rows, bytes: Buffer.concat(pieces) };
  };

  it('are written as an expression at the server would, whatever is around them', async () => {
    const where = ' WHERE length(filling) < 1000000';
    const [ours, theirs] = [await lines('ages', 'copied', where), await lines('ages', 'landed', where)];
    assert.ok(theirs.bytes.includes(' (BC) ') && theirs.bytes.includes(' (BC),'));
    assert.ok(ours.bytes.equals(theirs.bytes));
    assert.equal(ours.rows, 79_999);
  });

  it('are written so in a line of one value', async () => {
    const [ours, theirs] = [await lines('only_days', 'copied'), await lines('only_days', 'landed')];
    assert.ok(theirs.bytes.includes(' (BC)"\n'));
    assert.ok(ours.bytes.equals(theirs.bytes));
  });

  it('stay as they are in a line that is too long to land', async () => {
    const { rows, bytes } = await lines('ages', 'copied', ' WHERE i BETWEEN 7000 AND 7002');
    assert.equal(rows, 3);
    const [before, long, after] = bytes.toString('latin1').split('\n');
    assert.match(before!, / \(BC\),/);
    assert.match(long!.slice(-100), /\d BC,.*\d BC,/);
    assert.match(after!, / \(BC\),/);
  });
});

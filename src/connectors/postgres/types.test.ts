import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { column, openRoom, type Reading, readFileAt } from '../../../test/csv-reading.ts';
import { type PostgresServer, postgresMissing, startPostgres } from '../../../test/servers/postgres.ts';
import { VALUES, WIDE } from '../../../test/support/postgres-wide.ts';
import type { ColumnType } from '../../model/schema.ts';
import type { SourceColumn } from '../lib/sql/database.ts';
import { LANDED, landedLine } from '../lib/sql/landed.ts';
import type { PostgresDatabase } from './database.ts';
import { openDatabase } from './testing.ts';
import { contractType, type NativeType } from './types.ts';

const native = (sql: string, more: Partial<NativeType> = {}): NativeType => {
  return { sql, name: sql.replace(/\(.*/, ''), kind: 'b', category: 'X', own: true, ...more };
};

describe('types of PostgreSQL in a contract', () => {
  it('are exact, and text where nothing else is', () => {
    const cases: [NativeType, ColumnType][] = [
      [native('numeric(12,2)'), 'decimal(12,2)'],
      [native('numeric(38,0)'), 'decimal(38,0)'],
      [native('numeric(3,-2)'), 'decimal(5,0)'],
      [native('numeric(2,5)'), 'decimal(5,5)'],
      [native('numeric(39,2)'), 'text'],
      [native('numeric'), 'text'],
      [native('int2'), 'integer'],
      [native('int8'), 'bigint'],
      [native('oid'), 'bigint'],
      [native('money'), 'decimal(19,2)'],
      [native('float4'), 'double'],
      [native('timestamptz'), 'timestamp_tz'],
      [native('timetz'), 'text'],
      [native('interval'), 'text'],
      [native('jsonb'), 'json'],
      [native('_int4', { category: 'A' }), 'json'],
      [native('pair', { kind: 'c', own: false }), 'json'],
      [native('mood', { kind: 'e', own: false }), 'text'],
      // Somebody's own type that is only called so.
      [native('date', { own: false }), 'text'],
    ];
    for (const [type, wanted] of cases) assert.equal(contractType(type).type, wanted, type.sql);
  });
});

describe('values of PostgreSQL', { skip: postgresMissing(), timeout: 120_000 }, () => {
  let server: PostgresServer;
  let database: PostgresDatabase;
  before(async () => {
    server = await startPostgres();
    database = await openDatabase(server);
    await server.admin(`SET timezone = 'Europe/Berlin'; ${WIDE.create.join(';')}; GRANT SELECT ON wide TO granary`);
  });
  after(async () => {
    await database?.close();
    await server?.stop();
  });

  /** What is read from what has landed. */
  async function roundTrip(columns: SourceColumn[], wanted: (c: SourceColumn) => ColumnType): Promise<Reading> {
    await using room = await openRoom();
    const path = join(room.folder, 'landed.csv');
    const file = await open(path, 'w');
    await file.write(landedLine(columns.map((c) => c.name)));
    const snapshot = await database.snapshot(undefined);
    const { ident, copied } = database.dialect;
    const list = columns.map((c) => `${copied(ident(c.name), c, wanted(c))} AS ${ident(c.name)}`);
    const write = async (bytes: Uint8Array) => void (await file.write(bytes));
    const rows = await snapshot.copy(`SELECT ${list.join(', ')} FROM wide ORDER BY row`, { write, signal: undefined });
    await snapshot.close();
    await file.close();
    assert.equal(rows, WIDE.rows.length);
    const { type: _, ...settings } = LANDED;
    return await readFileAt(
      room,
      path,
      settings,
      columns.map((c, i) => column(c.name, i, wanted(c))),
    );
  }

  it('of every type are in the table as they were at the source', async () => {
    const { columns } = await database.facts(['public', 'wide']);
    const reading = await roundTrip(columns, (c) => c.type);
    assert.deepEqual(reading.rejects, []);
    assert.equal(reading.rows.length, WIDE.rows.length);
    const rows = reading.rows.map((row) => Object.fromEntries(columns.map((c, i) => [c.name, row[`c${i}`]])));
    for (const [i, row] of WIDE.rows.entries()) assert.deepEqual(rows[i], row);
  });

  it('of every type can be kept as text', async () => {
    const { columns } = await database.facts(['public', 'wide']);
    const reading = await roundTrip(columns, () => 'text');
    assert.deepEqual(reading.rejects, []);
    const text = (name: string) => reading.rows.map((r) => r[`c${columns.findIndex((c) => c.name === name)}`]);
    assert.deepEqual(text('yes'), ['true', 'false', null]);
    assert.deepEqual(text('numbers'), ['{1,2,NULL}', '{}', null]);
    assert.deepEqual(text('words'), ['', '\\N', null]);
  });

  it('are found again by what they landed as', async () => {
    const { columns } = await database.facts(['public', 'wide']);
    const { ident, landed, value } = database.dialect;
    const snapshot = await database.snapshot(undefined);
    for (const name of VALUES.map(([n]) => n).filter((n) => !/^(document|markup|two|texts|numbers|search)$/.test(n))) {
      const column = columns.find((c) => c.name === name)!;
      const ref = ident(name);
      const rows = await snapshot.rows(
        `SELECT row, ${landed(ref, column, column.type)} FROM wide WHERE ${ref} IS NOT NULL ORDER BY row`,
      );
      for (const [row, text] of rows) {
        const found = await snapshot.rows(`SELECT row FROM wide WHERE ${ref} = ${value(text!, column)}`);
        assert.ok(
          found.some(([r]) => r === row),
          `${name} = ${text}`,
        );
      }
    }
    await snapshot.close();
  });

  it('that are one empty text in a row of one column are a row', async () => {
    const { columns } = await database.facts(['public', 'wide']);
    const reading = await roundTrip(
      columns.filter((c) => c.name === 'words'),
      () => 'text',
    );
    assert.deepEqual(
      reading.rows.map((r) => r['c0']),
      ['', '\\N', null],
    );
  });

  it('that are no numbers are rejected with the reason, where the contract says decimal', async () => {
    await server.admin(`CREATE TABLE odd AS SELECT 1 AS row, 'NaN'::numeric(5,2) AS n; GRANT SELECT ON odd TO granary`);
    const { columns } = await database.facts(['public', 'odd']);
    assert.equal(columns[1]!.type, 'decimal(5,2)');
    await using room = await openRoom();
    const snapshot = await database.snapshot(undefined);
    const path = join(room.folder, 'landed.csv');
    const file = await open(path, 'w');
    await file.write('row,n\n');
    await snapshot.copy('SELECT row, n FROM odd', {
      write: async (b) => void (await file.write(b)),
      signal: undefined,
    });
    await file.close();
    await snapshot.close();
    const { type: _, ...settings } = LANDED;
    const { rejects } = await readFileAt(room, path, settings, [
      column('row', 0, 'integer'),
      column('n', 1, 'decimal(5,2)'),
    ]);
    assert.deepEqual(
      rejects.map((r) => r.reason),
      ['expected decimal(5,2), found "NaN"'],
    );
  });
});

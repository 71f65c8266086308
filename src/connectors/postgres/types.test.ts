import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { column, openRoom, type Reading, readFileAt } from '../../../test/csv-reading.ts';
import { type PostgresServer, postgresMissing, startPostgres } from '../../../test/servers/postgres.ts';
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

/** Column, its type, and literals with what is to be read for them; the same where only one is given. */
const VALUES: [name: string, type: string, ...values: (string | [literal: string, read: string] | null)[]][] = [
  ['small', 'smallint', '-32768', '32767', null],
  ['whole', 'integer', '-2147483648', '2147483647', null],
  ['long', 'bigint', '-9223372036854775808', '9223372036854775807', null],
  ['amount', 'numeric(12,2)', '-9999999999.99', ['0.1', '0.10'], null],
  ['huge', 'numeric(38,10)', '1234567890123456789012345678.0123456789', ['-1e-10', '-0.0000000001'], null],
  [
    'any_number',
    'numeric',
    'NaN',
    ['1e50', `1${'0'.repeat(50)}`],
    '-0.000000000000000000000000000000000000000000000000001',
  ],
  ['rounded', 'numeric(3,-2)', ['12345', '12300'], ['-99900', '-99900'], null],
  ['price', 'money', ['$1,234.50', '1234.50'], ['-0.01', '-0.01'], null],
  ['single', 'real', '0.1', 'NaN', '-Infinity'],
  ['double', 'double precision', '0.1', '1.7976931348623157e+308', '5e-324'],
  ['yes', 'boolean', ['t', 'true'], ['f', 'false'], null],
  ['words', 'text', '', '\\N', null],
  ['more_words', 'text', ' "quoted", and\r\nbroken\n ', 'Ünïcödé 😀\t', '\\.'],
  ['short', 'varchar(10)', 'NULL', "it's", null],
  ['padded', 'char(6)', 'ab', ['  c   ', '  c'], ['', '']],
  ['bytes', 'bytea', ['\\x00ff0a22', '00ff0a22'], ['\\x', ''], null],
  ['day', 'date', '2026-02-28', ['0044-03-15 BC', '0044-03-15 (BC)'], 'infinity'],
  ['far_day', 'date', '5874897-12-31', ['4713-01-01 BC', '4713-01-01 (BC)'], '-infinity'],
  ['clock', 'time', '23:59:59.999999', '24:00:00', null],
  ['zoned_clock', 'timetz', '12:00:00+05:45', '23:59:59.5-08', null],
  [
    'wall',
    'timestamp',
    '2026-03-29 02:30:00.123456',
    ['0044-03-15 12:00:00.5 BC', '0044-03-15 (BC) 12:00:00.5'],
    'infinity',
  ],
  [
    'instant',
    'timestamptz',
    ['2026-03-29 02:30:00.1+05:45', '2026-03-28 20:45:00.1+00'],
    ['0001-01-01 01:00:00+02 BC', '0002-12-31 (BC) 23:00:00+00'],
    '-infinity',
  ],
  ['span', 'interval', '1 year 2 mons 3 days 04:05:06.7', ['-1 day 1 second', '-1 days +00:00:01'], null],
  ['id', 'uuid', ['A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'], null, null],
  ['document', 'json', '{"a":  1,\n"b":"\\u00e9, \\"x\\""}', 'null', null],
  [
    'binary_document',
    'jsonb',
    ['{"b": 12345678901234567890.10, "a":[]}', '{"a": [], "b": 12345678901234567890.10}'],
    '"x"',
    null,
  ],
  ['feeling', 'mood', 'so, so', '"bad"', null],
  ['address', 'email', 'a@b', 'c@d', null],
  ['numbers', 'integer[]', ['{1,2,NULL}', '[1,2,null]'], ['{}', '[]'], null],
  ['texts', 'text[][]', ['{{a,"b,\\""},{NULL,""}}', '[["a","b,\\""],[null,""]]'], null, null],
  ['two', 'pair', ['(1,"q,""")', '{"a":1,"b":"q,\\""}'], ['(,)', '{"a":null,"b":null}'], null],
  ['bits', 'bit(5)', '10101', '00000', null],
  ['host', 'inet', '10.0.0.1', '2001:db8::/32', null],
  ['network', 'cidr', '10.0.0.0/8', null, null],
  ['span_of', 'int4range', '[1,5)', 'empty', null],
  ['spans', 'datemultirange', '{[2026-01-01,2026-02-01)}', '{}', null],
  ['markup', 'xml', '<a b="1">ü</a>', null, null],
  ['search', 'tsvector', "'fat':2 'rat':3", null, null],
];
const ROWS = 3;

describe('values of PostgreSQL', { skip: postgresMissing(), timeout: 120_000 }, () => {
  let server: PostgresServer;
  let database: PostgresDatabase;
  before(async () => {
    server = await startPostgres();
    const literal = (v: string | [string, string] | null | undefined) =>
      v === null || v === undefined ? 'NULL' : database.dialect.text(Array.isArray(v) ? v[0] : v);
    database = await openDatabase(server);
    const rows = Array.from({ length: ROWS }, (_, i) => {
      const values = VALUES.map(([, type, ...values]) => `${literal(values[i])}::${type}`);
      return `(${i}, ${values.join(', ')})`;
    });
    await server.admin(`CREATE TYPE mood AS ENUM ('so, so', '"bad"'); CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
      CREATE TYPE pair AS (a int, b text);
      CREATE TABLE wide (row int, ${VALUES.map(([name, type]) => `${name} ${type}`).join(', ')}, doubled numeric(14,2) GENERATED ALWAYS AS (amount * 2) STORED);
      SET timezone = 'Europe/Berlin'; SET datestyle = 'ISO';
      INSERT INTO wide VALUES ${rows.join(', ')}; GRANT SELECT ON wide TO granary`);
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
    const { ident, landed } = database.dialect;
    const list = columns.map((c) => `${landed(ident(c.name), c, wanted(c))} AS ${ident(c.name)}`);
    const write = async (bytes: Uint8Array) => void (await file.write(bytes));
    const rows = await snapshot.copy(`SELECT ${list.join(', ')} FROM wide ORDER BY row`, { write, signal: undefined });
    await snapshot.close();
    await file.close();
    assert.equal(rows, ROWS);
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
    assert.equal(reading.rows.length, ROWS);
    for (const [name, type, ...values] of VALUES) {
      const at = columns.findIndex((c) => c.name === name);
      for (let i = 0; i < ROWS; i++) {
        const value = values[i] ?? null;
        const expected = Array.isArray(value) ? value[1] : value;
        const read = reading.rows[i]![`c${at}`];
        if (columns[at]!.type === 'double')
          assert.equal(
            Number(`${read}`.replace('inf', 'Infinity').replace('nan', 'NaN')),
            Number(expected ?? 0),
            `${name}, row ${i}`,
          );
        else assert.equal(read, expected, `${name} ${type}, row ${i}`);
      }
    }
    const doubled = columns.findIndex((c) => c.name === 'doubled');
    assert.deepEqual(
      reading.rows.map((r) => r[`c${doubled}`]),
      ['-19999999999.98', '0.20', null],
    );
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

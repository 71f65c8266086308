/** A table with every type of PostgreSQL, and its rows as the engine prints them. */
import type { ExtractFixture } from '../contracts/extract-source.ts';

/** Column, its type, and literals with what is to be read for them; the same where only one is given. */
export const VALUES: [name: string, type: string, ...values: (string | [literal: string, read: string] | null)[]][] = [
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
  ['single', 'real', '0.1', ['NaN', 'nan'], ['-Infinity', '-inf']],
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

/** Types in the contract, by those of the server; text where there is none here. */
const TYPES: Record<string, string> = {
  smallint: 'integer',
  integer: 'integer',
  bigint: 'bigint',
  'numeric(12,2)': 'decimal(12,2)',
  'numeric(38,10)': 'decimal(38,10)',
  'numeric(3,-2)': 'decimal(5,0)',
  money: 'decimal(19,2)',
  real: 'double',
  'double precision': 'double',
  boolean: 'boolean',
  date: 'date',
  time: 'time',
  timestamp: 'timestamp',
  timestamptz: 'timestamp_tz',
  uuid: 'uuid',
  json: 'json',
  jsonb: 'json',
  'integer[]': 'json',
  'text[][]': 'json',
  pair: 'json',
};

const literal = (v: string) => ` E'${v.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;

function insert(row: number): string {
  const values = VALUES.map(([, type, ...values]) => {
    const value = values[row] ?? null;
    return value === null ? 'NULL' : `${literal(Array.isArray(value) ? value[0] : value)}::${type}`;
  });
  return `INSERT INTO wide VALUES (${row}, ${values.join(', ')})`;
}

function expected(row: number): Record<string, string | null> {
  const values = VALUES.map(([name, , ...values]) => {
    const value = values[row] ?? null;
    return [name, Array.isArray(value) ? value[1] : value] as const;
  });
  return { row: String(row), ...Object.fromEntries(values), doubled: ['-19999999999.98', '0.20', null][row]! };
}

export const WIDE: ExtractFixture['wide'] = {
  create: [
    `CREATE TYPE mood AS ENUM ('so, so', '"bad"')`,
    "CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%')",
    'CREATE TYPE pair AS (a int, b text)',
    `CREATE TABLE wide (row int, ${VALUES.map(([name, type]) => `${name} ${type}`).join(', ')},
      doubled numeric(14,2) GENERATED ALWAYS AS (amount * 2) STORED)`,
    ...Array.from({ length: ROWS }, (_, row) => insert(row)),
  ],
  table: 'wide',
  types: {
    row: 'integer',
    ...Object.fromEntries(VALUES.map(([name, type]) => [name, TYPES[type] ?? 'text'])),
    doubled: 'decimal(14,2)',
  },
  rows: Array.from({ length: ROWS }, (_, row) => expected(row)),
};

/** A table with every type of MariaDB or MySQL, and its rows as DuckDB prints them. */
import type { ExtractFixture } from '../contracts/extract-source.ts';

/** Column, its type at the source, its type in the contract, and values: as SQL, and as they must arrive. */
const COLUMNS: [name: string, native: string, type: string, ...values: [sql: string, text: string | null][]][] = [
  ['t1', 'TINYINT', 'integer', ['-128', '-128'], ['127', '127']],
  ['t1u', 'TINYINT UNSIGNED', 'integer', ['0', '0'], ['255', '255']],
  ['flag', 'BOOLEAN', 'integer', ['TRUE', '1'], ['FALSE', '0']],
  ['t2', 'SMALLINT', 'integer', ['-32768', '-32768'], ['32767', '32767']],
  ['t3', 'MEDIUMINT UNSIGNED', 'integer', ['0', '0'], ['16777215', '16777215']],
  ['t4', 'INT', 'integer', ['-2147483648', '-2147483648'], ['2147483647', '2147483647']],
  ['t4u', 'INT UNSIGNED', 'bigint', ['0', '0'], ['4294967295', '4294967295']],
  ['t4z', 'INT(8) UNSIGNED ZEROFILL', 'bigint', ['42', '42'], ['0', '0']],
  [
    't8',
    'BIGINT',
    'bigint',
    ['-9223372036854775808', '-9223372036854775808'],
    ['9223372036854775807', '9223372036854775807'],
  ],
  ['t8u', 'BIGINT UNSIGNED', 'decimal(20,0)', ['18446744073709551615', '18446744073709551615'], ['0', '0']],
  ['dec2', 'DECIMAL(12,2)', 'decimal(12,2)', ['-9999999999.99', '-9999999999.99'], ['0.01', '0.01']],
  [
    'dec38',
    'DECIMAL(38,10)',
    'decimal(38,10)',
    ['-1234567890123456789012345678.0123456789', '-1234567890123456789012345678.0123456789'],
    ['0', '0.0000000000'],
  ],
  [
    'dec65',
    'DECIMAL(65,30)',
    'text',
    [
      '12345678901234567890123456789012345.123456789012345678901234567891',
      '12345678901234567890123456789012345.123456789012345678901234567891',
    ],
    ['-1', '-1.000000000000000000000000000000'],
  ],
  ['f4', 'FLOAT', 'double', ['16777216', '16777216.0'], ['0.1', '0.10000000149011612']],
  ['f8', 'DOUBLE', 'double', ['0.1', '0.1'], ['-1.7976931348623157e308', '-1.7976931348623157e+308']],
  ['b1', 'BIT(1)', 'integer', ["b'1'", '1'], ["b'0'", '0']],
  ['b13', 'BIT(13)', 'integer', ["b'1000000000001'", '4097'], ["b'0'", '0']],
  ['b64', 'BIT(64)', 'decimal(20,0)', ['18446744073709551615', '18446744073709551615'], ["b'10'", '2']],
  ['d', 'DATE', 'date', ["'1000-01-01'", '1000-01-01'], ["'9999-12-31'", '9999-12-31']],
  ['tm', 'TIME(3)', 'time', ["'23:59:59.999'", '23:59:59.999'], ["'00:00:00'", '00:00:00']],
  [
    'dt',
    'DATETIME',
    'timestamp',
    ["'1000-01-01 00:00:00'", '1000-01-01 00:00:00'],
    ["'9999-12-31 23:59:59'", '9999-12-31 23:59:59'],
  ],
  [
    'dt6',
    'DATETIME(6)',
    'timestamp',
    ["'2024-02-29 12:34:56.000001'", '2024-02-29 12:34:56.000001'],
    ["'2024-03-31 02:30:00'", '2024-03-31 02:30:00'],
  ],
  [
    'ts',
    'TIMESTAMP(6) NULL',
    'timestamp_tz',
    ["'2024-01-01 00:00:00.5'", '2024-01-01 00:00:00.5+00'],
    ["'2038-01-19 03:14:07'", '2038-01-19 03:14:07+00'],
  ],
  ['y', 'YEAR', 'integer', ['1901', '1901'], ['2155', '2155']],
  ['c', 'CHAR(10)', 'text', ["'padded'", 'padded'], ["''", '']],
  ['v', 'VARCHAR(100)', 'text', ['\'a,b"c"\\n\\r\\n\\\\N\\t end \'', 'a,b"c"\n\r\n\\N\t end '], ["'\\\\N'", '\\N']],
  ['u', 'VARCHAR(100) CHARACTER SET utf8mb4', 'text', ["'Grüße 😀 中文'", 'Grüße 😀 中文'], ["' '", ' ']],
  ['l', 'VARCHAR(100) CHARACTER SET latin1', 'text', ["'Größe €'", 'Größe €'], ["'é'", 'é']],
  ['g', 'VARCHAR(100) CHARACTER SET gb2312', 'text', ["'中文'", '中文'], ["'x'", 'x']],
  ['u2', 'VARCHAR(100) CHARACTER SET ucs2', 'text', ["'Ünï'", 'Ünï'], ["'y'", 'y']],
  ['mt', 'MEDIUMTEXT', 'text', ["REPEAT('0123456789', 30000)", '0123456789'.repeat(30_000)], ["'s'", 's']],
  ['bin', 'BINARY(4)', 'text', ["x'00ff'", '00ff0000'], ["'abcd'", '61626364']],
  ['vb', 'VARBINARY(20)', 'text', ["x'220a2c00'", '220a2c00'], ["''", '']],
  ['bl', 'LONGBLOB', 'text', ["REPEAT(x'fe', 100000)", 'fe'.repeat(100_000)], ["x'00'", '00']],
  ['e', "ENUM('small','l,arge')", 'text', ["'l,arge'", 'l,arge'], ["'small'", 'small']],
  ['s', "SET('a','b','c')", 'text', ["'a,c'", 'a,c'], ["''", '']],
  ['j', 'JSON', 'json', ['\'{"a": [1, "x\\\\"y"]}\'', '{"a": [1, "x\\"y"]}'], ["'null'", 'null']],
  [
    'id16',
    'UUID',
    'uuid',
    ["'123e4567-e89b-12d3-a456-426614174000'", '123e4567-e89b-12d3-a456-426614174000'],
    ["'00000000-0000-0000-0000-000000000001'", '00000000-0000-0000-0000-000000000001'],
  ],
  ['ip', 'INET6', 'text', ["'2001:db8::ff00:42:8329'", '2001:db8::ff00:42:8329'], ["'::1'", '::1']],
  [
    'pt',
    'POINT',
    'text',
    ["ST_GeomFromText('POINT(1.5 -2)')", 'POINT(1.5 -2)'],
    ["ST_GeomFromText('POINT(0 0)')", 'POINT(0 0)'],
  ],
  ['gen', 'INT AS (t2 + 1) STORED', 'integer', ['DEFAULT', '-32767'], ['DEFAULT', '32768']],
  ['mi`x "ed', 'INT', 'integer', ['1', '1'], ['2', '2']],
];

/** Types that MySQL has not. */
const OF_MARIADB = ['UUID', 'INET6'];

const quoted = (name: string) => `\`${name.replaceAll('`', '``')}\``;
export function wideTable(server: 'mariadb' | 'mysql'): ExtractFixture['wide'] {
  const columns = COLUMNS.filter(([, native]) => server === 'mariadb' || !OF_MARIADB.includes(native));
  const values = (row: number) => columns.map(([, , , ...given]) => given[row]![0]).join(', ');
  const nulls = columns.map(([name]) => (name === 'gen' ? 'DEFAULT' : 'NULL')).join(', ');
  return {
    table: 'wide',
    create: [
      `CREATE TABLE wide (n INT PRIMARY KEY, ${columns.map(([name, native]) => `${quoted(name)} ${native}`).join(', ')}) CHARACTER SET utf8mb4`,
      `INSERT INTO wide VALUES (1, ${values(0)})`,
      `INSERT INTO wide VALUES (2, ${values(1)})`,
      `INSERT INTO wide VALUES (3, ${nulls})`,
    ],
    types: { n: 'integer', ...Object.fromEntries(columns.map(([name, , type]) => [name, type])) },
    rows: [0, 1, 2].map((row) => ({
      n: String(row + 1),
      ...Object.fromEntries(columns.map(([name, , , ...given]) => [name, given[row]?.[1] ?? null])),
    })),
  };
}

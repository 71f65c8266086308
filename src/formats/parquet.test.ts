import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { type Bench, withFormat } from './lib/testing.ts';
import { type ParquetConfig, parquet } from './parquet.ts';

async function made({ engine, folder }: Bench<ParquetConfig>, select: string, options = ''): Promise<Buffer> {
  const path = `${folder}/made.parquet`;
  await engine.run(`COPY (${select}) TO '${path}' (FORMAT parquet${options})`);
  return await readFile(path);
}

const column = (source: string, type: string) => ({ source, position: 0, type: type as 'text', asText: false });

test('rows keep their order and number, and the footer of the file says how many there are', async () => {
  await withFormat(parquet, async (bench) => {
    const file = await made(
      bench,
      "SELECT i AS id, 'n' || i AS name FROM range(300000) t(i)",
      ', ROW_GROUP_SIZE 20000',
    );
    const { rows, lines, facts, header, rawText } = await bench.read(file, {}, [
      column('name', 'text'),
      column('ID', 'bigint'),
      column('gone', 'text'),
    ]);
    assert.equal(facts.records, 300000);
    assert.deepEqual(header, ['id', 'name']);
    assert.deepEqual(
      [rows[0], rows[299999]],
      [
        ['n0', 0, null],
        ['n299999', 299999, null],
      ],
    );
    assert.deepEqual([lines[0], lines[299999]], [1, 300000]);
    assert.deepEqual(await rawText([3, 4]), [undefined, undefined]);
  });
});

test('values arrive typed where nothing can be lost, and as exact text elsewhere', async () => {
  await withFormat(parquet, async (bench) => {
    const file = await made(
      bench,
      `SELECT 7::UTINYINT AS tiny, 18446744073709551615::UBIGINT AS large, 1.50::DECIMAL(10,2) AS price, TIMESTAMPTZ '2026-01-01 10:00:00+02' AS at,
       {'a': 1, 'b': ['x']} AS nested, encode('Zürich') AS bytes, '\\xFF'::BLOB AS noise, 0.1::DOUBLE AS tenth, DATE '2026-11-21' AS day, NULL::VARCHAR AS nothing`,
    );
    const { rows } = await bench.read(file, {}, [
      column('tiny', 'integer'),
      column('large', 'bigint'),
      column('price', 'decimal(12,4)'),
      column('price', 'decimal(4,1)'),
      column('at', 'timestamp_tz'),
      column('nested', 'json'),
      column('nested', 'text'),
      column('bytes', 'text'),
      column('noise', 'text'),
      column('tenth', 'decimal(5,2)'),
      column('day', 'timestamp'),
      column('nothing', 'text'),
    ]);
    assert.deepEqual(rows, [
      [
        7,
        '18446744073709551615',
        '1.5000',
        '1.50',
        '2026-01-01 08:00:00+00',
        '{"a":1,"b":["x"]}',
        '{"a":1,"b":["x"]}',
        'Zürich',
        '\\xFF',
        '0.1',
        '2026-11-21 00:00:00',
        null,
      ],
    ]);
  });
});

test('names of nested columns do not hide those that follow', async () => {
  await withFormat(parquet, async (bench) => {
    const file = await made(bench, "SELECT {'x': {'y': 1}, 'z': [1]} AS a, MAP {'k': [1]} AS m, 1 AS last");
    assert.deepEqual((await bench.read(file, {}, [])).header, ['a', 'm', 'last']);
  });
});

test('a file that is empty, cut off, damaged or something else is refused with the reason', async () => {
  await withFormat(parquet, async (bench) => {
    const file = await made(bench, 'SELECT i FROM range(1000) t(i)');
    const damaged = Buffer.from(file);
    damaged.fill(0xff, file.length - 40, file.length - 8);
    const cases: [content: Buffer | string, code: string, message: RegExp][] = [
      ['', 'format.empty', /no content/],
      ['id,name\n1,x\n', 'format.invalid', /does not begin as one/],
      ['PAR1', 'format.invalid', /does not begin as one/],
      [file.subarray(0, file.length - 100), 'format.invalid', /does not end as one/],
      [damaged, 'format.invalid', /footer is damaged/],
      [Buffer.concat([file.subarray(0, file.length - 4), Buffer.from('PARE')]), 'format.invalid', /encrypted/],
    ];
    for (const [content, code, message] of cases)
      await assert.rejects(bench.read(content, {}, ['i']), { code, message });
  });
});

test('a file without rows has columns and no records', async () => {
  await withFormat(parquet, async (bench) => {
    const { rows, header, facts } = await bench.read(await made(bench, 'SELECT 1 AS a WHERE false'), {}, ['a']);
    assert.deepEqual([rows, header, facts.records], [[], ['a'], 0]);
  });
});

test('discovery takes the types of the file', async () => {
  await withFormat(parquet, async (bench) => {
    const file = await made(
      bench,
      "SELECT i::SMALLINT AS id, (i / 4)::DECIMAL(9,2) AS amount, CASE WHEN i > 2 THEN 'x' END AS word, [i] AS list FROM range(10) t(i)",
    );
    const { columns, rowsSeen } = await bench.discover(file);
    assert.equal(rowsSeen, 10);
    assert.deepEqual(
      columns.map((c) => [c.source, c.type, c.nullable, c.unique, c.examples[0]]),
      [
        ['id', 'integer', false, true, '0'],
        ['amount', 'decimal(9,2)', false, true, '0.00'],
        ['word', 'text', true, false, 'x'],
        ['list', 'json', false, true, '[0]'],
      ],
    );
  });
});

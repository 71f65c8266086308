import assert from 'node:assert/strict';
import test from 'node:test';
import { column, openRoom, rawText, read } from '../../../test/csv-reading.ts';

test('a regular file is read with its types in one go, and every reject has line, column, reason and text', async () => {
  await using room = await openRoom();
  const reading = await read(room, 'id,name,paid\n1,"a\nb",1.50\nx,c,2\n3\n\n4,d,"oops ""!"""\n5,e,3\n', {}, [
    column('ID', 9, 'integer'),
    column('paid', 9, 'decimal(10,2)'),
    column('name', 9),
    column('missing', 9, 'date'),
  ]);
  assert.equal(reading.attempt, 'fast');
  assert.deepEqual(reading.typed, [true, true, true, true]);
  assert.deepEqual(reading.rows, [
    { line: 2, c0: '1', c1: '1.50', c2: 'a\nb', c3: null },
    { line: 8, c0: '5', c1: '3.00', c2: 'e', c3: null },
  ]);
  assert.deepEqual(reading.rejects, [
    { line: 4, rule: 'type', column: 'ID', reason: 'expected integer, found "x"', raw: 'x,c,2' },
    { line: 5, rule: 'structure', column: null, reason: 'expected 3 fields, found 1', raw: '3' },
    {
      line: 7,
      rule: 'type',
      column: 'paid',
      reason: 'expected decimal(10,2), found "oops "!""',
      raw: '4,d,"oops ""!"""',
    },
  ]);
  assert.deepEqual(await rawText(reading, [2, 3, 8]), ['1,"a\nb",1.50', undefined, '5,e,3']);
});

test('a column whose values the engine would round or cut is delivered as text', async () => {
  await using room = await openRoom();
  const header = 'i,d,day,at\n';
  const columns = [
    column('i', 0, 'integer'),
    column('d', 1, 'decimal(10,2)'),
    column('day', 2, 'date'),
    column('at', 3, 'timestamp'),
  ];
  const typedOf = async (record: string) => (await read(room, `${header}${record}\n`, {}, columns)).typed;
  assert.deepEqual(await typedOf('12,1.20,2024-01-02,2024-01-02 10:00:00.123456'), [true, true, true, true]);
  assert.deepEqual(await typedOf('12.00,1.230,2024-01-02,2024-01-02'), [true, true, true, true]);
  assert.deepEqual(await typedOf('12.5,1.239,2024-01-02 10:00,2024-01-02 10:00:00+02'), [false, false, false, false]);
  assert.deepEqual(await typedOf('5e-1,1,2024-01-02,2024-01-02 10:00:00.1234567'), [false, true, true, false]);
});

test('decimal commas and thousands separators become numbers that the engine can type', async () => {
  await using room = await openRoom();
  const columns = [column('a', 0, 'decimal(12,2)'), column('b', 1, 'double')];
  const comma = await read(room, 'a;b\n1234,50;-0,5\n1.5;1\n', { delimiter: ';', decimal: ',' }, columns);
  assert.deepEqual(comma.rows, [{ line: 2, c0: '1234.50', c1: '-0.5' }]);
  assert.equal(comma.rejects[0]?.reason, 'expected decimal(12,2), found "1.5"');
  const grouped = await read(
    room,
    'a;b\n1.234.567,50;1.000\n1.23,5;1,2,3\n',
    { delimiter: ';', decimal: ',', thousands: '.' },
    columns,
  );
  assert.deepEqual(grouped.typed, [false, false]);
  assert.deepEqual(grouped.rows[0], { line: 2, c0: '1234567.50', c1: '1000' });
  const casts = await room.engine.all(
    "SELECT TRY_CAST(c0 AS DECIMAL(12,2)) AS a, TRY_CAST(c1 AS DOUBLE) AS b FROM staging WHERE c0 LIKE '1,%'",
  );
  assert.deepEqual(casts, [{ a: null, b: null }]);
});

test('a trailer is neither rows nor rejects, whether its records look like data or not', async () => {
  await using room = await openRoom();
  const columns = [column('id', 0, 'integer'), column('n', 1)];
  const apart = await read(room, 'id,n\n1,a\n2,b\nTRAILER|2\n', { footer_pattern: '^TRAILER' }, columns);
  const alike = await read(room, 'id,n\n1,a\n2,b\nTOTAL,2\n', { footer_lines: 1 }, columns);
  assert.deepEqual([apart.attempt, alike.attempt], ['fast', 'lossless']);
  for (const reading of [apart, alike]) {
    assert.equal(reading.facts.records, 2);
    assert.deepEqual(
      reading.rows.map((r) => r.line),
      [2, 3],
    );
    assert.deepEqual(reading.rejects, []);
  }
});

test('ragged records are padded or truncated where that is asked for', async () => {
  await using room = await openRoom();
  const rows = async (ragged: 'pad' | 'truncate' | 'pad_or_truncate') => {
    const { rows, rejects } = await read(room, 'a,b\n1\n2,3,4\n5,6,\n', { ragged });
    return [rows.map((r) => [r['c0'], r['c1']]), rejects.map((r) => r.line)];
  };
  assert.deepEqual(await rows('pad'), [
    [
      ['1', null],
      ['5', '6'],
    ],
    [3],
  ]);
  assert.deepEqual(await rows('truncate'), [
    [
      ['2', '3'],
      ['5', '6'],
    ],
    [2],
  ]);
  assert.deepEqual(await rows('pad_or_truncate'), [
    [
      ['1', null],
      ['2', '3'],
      ['5', '6'],
    ],
    [],
  ]);
});

test('invalid UTF-8 is a reject where the column is wanted, and replaced in its raw text', async () => {
  await using room = await openRoom();
  const bytes = Buffer.from('a,b\n1,x\xff\n2,ok\n', 'latin1');
  const all = await read(room, bytes, {}, [column('a', 0, 'integer'), column('b', 1)]);
  assert.deepEqual(
    all.rejects.map((r) => [r.line, r.rule, r.column, r.raw]),
    [[2, 'encoding', 'b', '1,x\ufffd']],
  );
  const some = await read(room, bytes, {}, [column('a', 0, 'integer')]);
  assert.equal(some.attempt, 'lossless', 'the engine would stop for good');
  assert.equal(some.rows.length, 2);
});

test('a file can tell NULL from a quoted text that looks like it, whoever reads it', async () => {
  await using room = await openRoom();
  const content = 'a,b,n\n"",\\N,1\n"\\N",,\\N\nx,"""",3\n';
  const rows = [
    { c0: '', c1: null, c2: '1' },
    { c0: '\\N', c1: '', c2: null },
    { c0: 'x', c1: '"', c2: '3' },
  ];
  const settings = { null_values: ['\\N'], quoted_nulls: false };
  const columns = [column('a', 0), column('b', 1), column('n', 2, 'integer')];
  const fast = await read(room, content, settings, columns);
  const lossless = await read(room, `${content}y,"z"",\n`, settings, columns);
  assert.deepEqual([fast.attempt, lossless.attempt], ['fast', 'lossless']);
  for (const reading of [fast, lossless]) {
    assert.equal(reading.facts.records - reading.rejects.length, 3);
    assert.deepEqual(
      reading.rows.map(({ line: _, ...values }) => values),
      rows,
    );
  }
  const nothing = await read(room, 'a,b\n,""\n"",\n', { quoted_nulls: false });
  assert.deepEqual(
    nothing.rows.map((r) => [r['c0'], r['c1']]),
    [
      [null, ''],
      ['', null],
    ],
  );
});

test('what is no instant does not become NULL on the way', async () => {
  await using room = await openRoom();
  const content = 'id,at\n1,2024-01-01 00:00:00+02\n2,0000-00-00 00:00:00\n3,soon\n';
  const { rows, typed, attempt } = await read(room, content, {}, [
    column('id', 0, 'integer'),
    column('at', 1, 'timestamp_tz'),
  ]);
  assert.deepEqual([attempt, typed], ['fast', [true, false]]);
  assert.deepEqual(
    rows.map((r) => r['c1']),
    ['2024-01-01 00:00:00+02', '0000-00-00 00:00:00', 'soon'],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixedWidth } from './fixed-width.ts';
import { MAX_RECORD_BYTES } from './lib/lines.ts';
import { withFormat } from './lib/testing.ts';

const fields = [
  { name: 'id', start: 1, length: 3 },
  { name: 'name', start: 4, length: 6 },
  { name: 'amount', start: 10, length: 5 },
];

test('fields are cut by character, trimmed, and missing when they are blank', async () => {
  await withFormat(fixedWidth, async ({ read }) => {
    const text = '001Müller 1.50\r\n\r\n002日本語    2.00\n003       ,"x"\n';
    for (const piece of [1, 5, 1000]) {
      const { rows, lines, facts, header } = await read(text, { fields }, ['name', 'id', 'amount', 'other'], piece);
      assert.deepEqual(rows, [
        ['Müller', '001', '1.50', null],
        ['日本語', '002', '2.00', null],
        [null, '003', ',"x"', null],
      ]);
      assert.deepEqual(lines, [1, 3, 4]);
      assert.deepEqual([facts.records, facts.lines], [3, 4]);
      assert.deepEqual(header, ['id', 'name', 'amount']);
    }
  });
});

test('values keep their blanks when they are not to be trimmed', async () => {
  await withFormat(fixedWidth, async ({ read }) => {
    const { rows } = await read('001 ab    1.50', { fields, trim: false }, ['name']);
    assert.deepEqual(rows, [[' ab   ']]);
  });
});

test('positions in bytes cut bytes, and a cut within a character is rejected', async () => {
  await withFormat(fixedWidth, async ({ read }) => {
    const bytes = [
      { name: 'a', start: 1, length: 2 },
      { name: 'b', start: 3, length: 2 },
    ];
    const { rows, rejects } = await read('éxy\nxéy\n', { fields: bytes, unit: 'bytes' }, ['a', 'b']);
    assert.deepEqual(rows, [['é', 'xy']]);
    assert.deepEqual([rejects[0]!.line, rejects[0]!.rule], [2, 'encoding']);
  });
});

test('a short line is rejected, or padded when the settings say so', async () => {
  await withFormat(fixedWidth, async ({ read }) => {
    const text = '001abcdef 1.50\n002ab\n003abcdef 2.50';
    const strict = await read(text, { fields }, ['id', 'name', 'amount']);
    assert.deepEqual(strict.rows.length, 2);
    assert.deepEqual(strict.rejects, [
      {
        line: 2,
        rule: 'structure',
        column: null,
        reason: 'the line has 5 characters; its fields need 14',
        raw: '002ab',
      },
    ]);
    const padded = await read(text, { fields, short_lines: 'pad' }, ['id', 'name', 'amount']);
    assert.deepEqual(padded.rows[1], ['002', 'ab', null]);
  });
});

test('a dataset reads one type of record of a file with several, and every type is counted', async () => {
  await withFormat(fixedWidth, async ({ read }) => {
    const config = {
      record_type: { start: 1, length: 2 },
      records: {
        H: { fields: [{ name: 'store', start: 3, length: 3 }] },
        D: { fields: [{ name: 'sku', start: 3, length: 4 }] },
      },
    };
    const text = 'H 007\r\nD A1b2\r\nD short\r\nX ?\r\nD \r\nH\r\nH 008\r\nD C3d4';
    for (const piece of [1, 1000]) {
      const details = await read(text, { ...config, record: 'D' }, ['sku'], piece);
      assert.deepEqual(details.rows, [['A1b2'], ['shor'], ['C3d4']]);
      assert.deepEqual(details.lines, [2, 3, 8]);
      assert.deepEqual(details.facts.byType, { D: 4, H: 3, X: 1 });
      assert.deepEqual([details.facts.records, details.rejects.map((r) => r.line)], [4, [5]]);
      const heads = await read(text, { ...config, record: 'H' }, ['store'], piece);
      assert.deepEqual(heads.rows, [['007'], ['008']]);
      assert.deepEqual(await heads.rawText([1, 6, 7]), ['H 007', 'H', 'H 008']);
    }
  });
});

test('lines at the top and at the end that are not data are left out', async () => {
  await withFormat(fixedWidth, async ({ read }) => {
    const text = 'TITLE\n001abcdef 1.50\n002abcdef 2.50\nTOTAL 2\n\n';
    const { rows, facts } = await read(text, { fields, skip_lines: 1, footer_lines: 1 }, ['id']);
    assert.deepEqual(rows, [['001'], ['002']]);
    assert.deepEqual([facts.records, facts.footerLine], [2, 4]);
  });
});

test('bytes that are not UTF-8, NUL bytes and lines without end do not cost other lines', async () => {
  await withFormat(fixedWidth, async ({ read }) => {
    const content = Buffer.concat([
      Buffer.from('001abcdef 1.50\n002'),
      Buffer.from([0xff]),
      Buffer.from(`bcdef 1.50\n003\0bcdef 1.50\n004${'x'.repeat(MAX_RECORD_BYTES)}\n005abcdef 1.50\n`),
    ]);
    const { rows, rejects } = await read(content, { fields }, ['id', 'name']);
    assert.deepEqual(rows, [
      ['001', 'abcdef'],
      ['003', 'bcdef'],
      ['005', 'abcdef'],
    ]);
    assert.deepEqual(
      rejects.map((r) => [r.line, r.rule]),
      [
        [2, 'encoding'],
        [4, 'too_long'],
      ],
    );
  });
});

test('an empty file has no records, and settings that do not go together are named', async () => {
  await withFormat(fixedWidth, async ({ read }) => {
    assert.deepEqual((await read('', { fields }, ['id'])).rows, []);
    await assert.rejects(read('x', {}, []), { code: 'config.invalid', message: /no fields/ });
    await assert.rejects(read('x', { fields, record: 'D' }, []), {
      code: 'config.invalid',
      message: /needs `record_type`/,
    });
    const two = { record_type: { start: 1, length: 1 }, records: { H: { fields } } };
    await assert.rejects(read('x', two, []), { code: 'config.invalid', message: /none is chosen/ });
    await assert.rejects(read('x', { ...two, record: 'D' }, []), {
      code: 'config.invalid',
      message: /not one of `records`/,
    });
  });
});

test('discovery guesses fields from columns of blanks and types from values', async () => {
  await withFormat(fixedWidth, async ({ discover }) => {
    const text = '001 Müller   1.50 2026-11-01\n002 Öz      12.25 2026-11-02\n003 Schmidt  3.00 2026-11-03\n';
    const { config, columns, notes } = await discover(text);
    assert.deepEqual(config.fields, [
      { name: 'field_1', start: 1, length: 4 },
      { name: 'field_2', start: 5, length: 8 },
      { name: 'field_3', start: 13, length: 6 },
      { name: 'field_4', start: 19, length: 10 },
    ]);
    assert.deepEqual(
      columns.map((c) => c.type),
      ['text', 'text', 'decimal(12,2)', 'date'],
    );
    assert.match(notes[0]!, /guessed/);
    const named = await discover('001abcdef 1.50', { fields });
    assert.deepEqual([named.config, named.columns.map((c) => c.source)], [{}, ['id', 'name', 'amount']]);
  });
});

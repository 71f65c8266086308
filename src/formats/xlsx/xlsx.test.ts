import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withFormat } from '../lib/testing.ts';
import { rowOf, workbookOf, zipOf } from './testing.ts';
import { dateText, numberKind, numberText } from './values.ts';
import { xlsx } from './xlsx.ts';

const simple = workbookOf({ sheets: { Data: rowOf(1, ['id', 'name']) + rowOf(2, [1, 'a']) + rowOf(5, [2, 'b']) } });

test('rows carry the numbers that the spreadsheet shows; blank rows are none', async () => {
  await withFormat(xlsx, async ({ read }) => {
    const book = workbookOf({
      sheets: {
        S: `${rowOf(1, ['id', 'name'])}${rowOf(2, [1, 'a'])}<row r="3"/><row r="4"><c s="1"/></row>${rowOf(7, [undefined, 'b'])}`,
      },
    });
    const { rows, lines, facts, header, rawText } = await read(book, {}, ['name', 'ID', 'gone']);
    assert.deepEqual(rows, [
      ['a', '1', null],
      ['b', null, null],
    ]);
    assert.deepEqual(lines, [2, 7]);
    assert.deepEqual([facts.records, facts['sheet'], header], [2, 'S', ['id', 'name']]);
    assert.deepEqual(await rawText([2, 3, 7]), ['1\ta', undefined, '\tb']);
  });
});

test('cells of every type become the text that a person sees', async () => {
  const cells = [
    '<c r="A2" t="s"><v>1</v></c>',
    '<c r="B2" t="s"><v>0</v></c>',
    '<c r="C2" t="b"><v>1</v></c>',
    '<c r="D2" s="1"><v>46347</v></c>',
    '<c r="E2" s="2"><v>46347.520833333336</v></c>',
    '<c r="F2"><f>A1*2</f><v>19.989999999999998</v></c>',
    '<c r="G2" t="str"><f>"x"</f><v>a &amp; b</v></c>',
    '<c r="I2" t="inlineStr"><is><r><t>in</t></r><r><t xml:space="preserve">line </t></r></is></c>',
    '<c r="J2" s="3"><v>0.75</v></c>',
    '<c r="K2" s="4"><v>1234567.5</v></c>',
    '<c r="L2" t="d"><v>2026-11-21T10:00:00</v></c>',
    '<c r="M2"><v>1E-3</v></c>',
  ];
  const book = workbookOf({
    sheets: { S: `${rowOf(1, [...'abcdefghijklm'])}<row r="2">${cells.join('')}</row>` },
    strings: ['<t>plain</t>', '<r><t>Gr</t></r><r><rPr/><t>öße_x000D_&#10;</t></r><rPh><t>no</t></rPh>'],
    styles: [0, 14, 'dd/mm/yyyy hh:mm', '[$-409]h:mm AM/PM', '#,##0.00 "dd"'],
  });
  await withFormat(xlsx, async ({ read }) => {
    const { rows } = await read(book, {}, [...'abcdefghijklm']);
    assert.deepEqual(rows[0], [
      'Größe\r\n',
      'plain',
      'true',
      '2026-11-21',
      '2026-11-21 12:30:00',
      '19.99',
      'a & b',
      null,
      'inline ',
      '18:00:00',
      '1234567.5',
      '2026-11-21T10:00:00',
      '0.001',
    ]);
  });
});

test('numbers are shown with 15 digits, and dates in the calendar of the workbook', () => {
  assert.deepEqual(
    ['12', '0.1', '19.989999999999998', '1.0000000000000002', '-1E+3', '123456789012345', ''].map(numberText),
    ['12', '0.1', '19.99', '1', '-1000', '123456789012345', ''],
  );
  assert.deepEqual(
    [1, 59, 60, 61].map((n) => dateText(String(n), 'date', false)),
    ['1900-01-01', '1900-02-28', '1900-02-29', '1900-03-01'],
  );
  assert.equal(dateText('0', 'date', true), '1904-01-01');
  assert.equal(dateText('46347.9999999999', 'date', false), '2026-11-22');
  assert.equal(dateText('46347.5', 'date', false), '2026-11-21 12:00:00');
  assert.equal(dateText('1.25', 'time', false), '30:00:00');
  assert.equal(dateText('-1', 'date', false), '-1');
});

test('number formats tell dates from numbers', () => {
  const kinds = {
    'yyyy\\-mm\\-dd': 'date',
    'd. mmmm yyyy;@': 'date',
    '[h]:mm:ss': 'time',
    'mm:ss.0': 'time',
    'yyyy-mm-dd hh:mm': 'timestamp',
    '0.00 "days"': 'number',
    '[Red]0': 'number',
    General: 'number',
    '@': 'number',
    '0.00E+00': 'number',
    mmm: 'date',
  };
  assert.deepEqual(Object.fromEntries(Object.keys(kinds).map((code) => [code, numberKind(164, code)])), kinds);
});

test('the 1904 calendar, name prefixes and cells without references are understood', async () => {
  await withFormat(xlsx, async ({ read }) => {
    const mac = workbookOf({
      sheets: { S: `${rowOf(1, ['d'])}<row><c s="1"><v>44885</v></c></row>` },
      styles: [0, 14],
      date1904: true,
    });
    const { rows, lines } = await read(mac, {}, ['d']);
    assert.deepEqual([rows, lines], [[['2026-11-21']], [2]]);
    const prefixed = workbookOf({
      sheets: { S: '<x:row r="1"><x:c t="str"><x:v>h</x:v></x:c></x:row><x:row r="2"><x:c><x:v>5</x:v></x:c></x:row>' },
      prefix: 'x:',
    });
    assert.deepEqual((await read(prefixed, {}, ['h'])).rows, [['5']]);
  });
});

test('a sheet is chosen by name or number, else it is the first that can be seen', async () => {
  await withFormat(xlsx, async ({ read }) => {
    const book = workbookOf({
      sheets: { Notes: rowOf(1, ['n']), Sales: rowOf(1, ['s']) + rowOf(2, ['x']), '02': rowOf(1, ['two']) },
      hidden: ['Notes'],
    });
    for (const [sheet, header] of [
      [undefined, 's'],
      ['sales', 's'],
      ['1', 'n'],
      ['02', 'two'],
      ['3', 'two'],
    ] as const) {
      assert.deepEqual((await read(book, { sheet }, [])).header, [header]);
    }
    await assert.rejects(read(book, { sheet: 'Sale' }, []), { code: 'format.invalid', hint: 'Did you mean "Sales"?' });
  });
});

test('titles above and totals below are left out, and columns without a header go by position', async () => {
  await withFormat(xlsx, async ({ read }) => {
    const book = workbookOf({
      sheets: {
        S: rowOf(1, ['Report']) + rowOf(3, ['id', 'id']) + rowOf(4, [1, 2]) + rowOf(5, [3, 4]) + rowOf(9, ['Total', 6]),
      },
    });
    const { rows, header } = await read(book, { skip_rows: 2, footer_rows: 1 }, ['id', 'id_2']);
    assert.deepEqual(
      [rows, header],
      [
        [
          ['1', '2'],
          ['3', '4'],
        ],
        ['id', 'id_2'],
      ],
    );
    const bare = await read(book, { skip_rows: 3, footer_rows: 1, header: false }, ['a', 'b']);
    assert.deepEqual(
      [bare.rows, bare.header],
      [
        [
          ['1', '2'],
          ['3', '4'],
        ],
        undefined,
      ],
    );
  });
});

test('a cell that shows an error rejects its row, or is missing when the settings say so', async () => {
  const book = workbookOf({
    sheets: {
      S: `${rowOf(1, ['a', 'b', 'c'])}<row r="2"><c><v>1</v></c><c t="e"><v>#N/A</v></c><c t="e"><v>#REF!</v></c></row>${rowOf(3, [2, 3, 4])}`,
    },
  });
  await withFormat(xlsx, async ({ read }) => {
    const { rows, rejects } = await read(book, {}, ['a', 'b']);
    assert.deepEqual(rows, [['2', '3']]);
    assert.deepEqual(rejects, [
      { line: 2, rule: 'type', column: 'b', reason: 'the cell shows the error #N/A', raw: '1\t#N/A\t#REF!' },
    ]);
    assert.deepEqual((await read(book, { errors: 'missing' }, ['a', 'b'])).rows, [
      ['1', null],
      ['2', '3'],
    ]);
    assert.equal((await read(book, {}, ['a'])).rows.length, 2);
  });
});

test('what is no spreadsheet, or a damaged one, is refused with the reason', async () => {
  const cut = simple.subarray(0, simple.length - 30);
  const flipped = Buffer.from(simple);
  flipped[flipped.indexOf('PK\x03\x04', 400, 'latin1') + 60]! ^= 0xff;
  const cases: [content: Buffer | string, code: string, message: RegExp][] = [
    ['', 'format.empty', /no content/],
    ['id,name\n', 'format.invalid', /no zip archive/],
    [Buffer.from('d0cf11e0a1b11ae1000000', 'hex'), 'format.invalid', /old \.xls format, or has a password/],
    [cut, 'format.invalid', /cannot be opened/],
    [flipped, 'format.invalid', /damaged|CRC|not valid XML/],
    [zipOf({ 'a.txt': 'x' }), 'format.invalid', /no part xl\/workbook.xml/],
    [workbookOf({ sheets: { S: '<row><c><v>1</v></c>' } }), 'format.invalid', /not valid XML/],
    [zipOf({ 'xl/workbook.xml': '<!DOCTYPE x [<!ENTITY a "b">]><workbook/>' }), 'format.invalid', /document type/],
    [workbookOf({ sheets: { S: `<row r="1">${' '.repeat(110e6)}</row>` } }), 'codec.bomb', /unpacks to more than/],
  ];
  await withFormat(xlsx, async ({ read }) => {
    for (const [content, code, message] of cases) await assert.rejects(read(content, {}, ['id']), { code, message });
  });
});

test('an empty sheet has neither header nor rows', async () => {
  await withFormat(xlsx, async ({ read }) => {
    const { rows, header, facts } = await read(workbookOf({ sheets: { S: '' } }), {}, ['a']);
    assert.deepEqual([rows, header, facts.records], [[], undefined, 0]);
    assert.deepEqual((await read(workbookOf({ sheets: { S: rowOf(1, ['a']) } }), {}, ['a'])).rows, []);
  });
});

test('discovery finds the table below a title, its types, and names the other sheets', async () => {
  const body = Array.from(
    { length: 10 },
    (_, i) =>
      `<row r="${i + 5}"><c><v>${i}</v></c><c s="1"><v>${46347 + i}</v></c><c><v>${i + 0.5}</v></c><c t="inlineStr"><is><t>00${i}</t></is></c></row>`,
  );
  const book = workbookOf({
    sheets: {
      Main: rowOf(1, ['Report of sales']) + rowOf(4, ['id', 'day', 'amount', 'code']) + body.join(''),
      Other: '',
    },
    styles: [0, 14],
  });
  await withFormat(xlsx, async ({ discover }) => {
    const { config, columns, notes } = await discover(book);
    assert.deepEqual(config, { skip_rows: 3 });
    assert.deepEqual(
      columns.map((c) => [c.source, c.type, c.unique]),
      [
        ['id', 'integer', true],
        ['day', 'date', true],
        ['amount', 'decimal(12,1)', true],
        ['code', 'text', true],
      ],
    );
    assert.deepEqual(notes, ['The sheet "Main" was read; there are also "Other".']);
  });
});

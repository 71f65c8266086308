import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withFormat } from '../lib/testing.ts';
import { csv } from './csv.ts';
import { guessDialect } from './discover-dialect.ts';
import { guessHeader } from './discover-header.ts';

const types = (columns: { source: string; type: string }[]) =>
  Object.fromEntries(columns.map((c) => [c.source, c.type]));

test('an ordinary file needs no settings; types, missing values and keys are found', async () => {
  await withFormat(csv, async ({ discover }) => {
    const rows = Array.from(
      { length: 30 },
      (_, i) => `${i + 1},00${i % 7},${i}.50,2026-11-${10 + (i % 20)},${i % 3 === 0 ? '' : 'x'},true,${i * 1e9}`,
    );
    const { config, columns, notes, rowsSeen } = await discover(['id,plu,amount,sold,note,ok,ref', ...rows].join('\n'));
    assert.deepEqual(config, {});
    assert.equal(rowsSeen, 30);
    assert.deepEqual(notes, []);
    assert.deepEqual(types(columns), {
      id: 'integer',
      plu: 'text',
      amount: 'decimal(12,2)',
      sold: 'date',
      note: 'text',
      ok: 'boolean',
      ref: 'bigint',
    });
    assert.deepEqual(
      columns.filter((c) => c.unique).map((c) => c.source),
      ['id', 'amount', 'ref'],
    );
    assert.deepEqual(
      columns.filter((c) => c.nullable).map((c) => c.source),
      ['note'],
    );
    assert.deepEqual(columns[1]!.examples, ['000', '001', '002']);
  });
});

test('a German export: windows-1252, semicolons, decimal commas, thousands, a title above and a total below', async () => {
  await withFormat(csv, async ({ discover }) => {
    const text = [
      'Umsätze November',
      'erstellt am 21.11.2026',
      '',
      'Filiale;Artikel;Betrag;Datum',
      'Köln;Müsli;1.234,50;21.11.2026',
      'Bonn;Käse;3,00;01.02.2026',
      'Köln;Brot;-17,25;13.01.2026',
      'TOTAL;123',
      '',
    ].join('\r\n');
    const { config, columns, notes } = await discover(Buffer.from(text, 'latin1'));
    assert.deepEqual(config, {
      encoding: 'windows-1252',
      delimiter: ';',
      skip_lines: 3,
      footer_lines: 1,
      decimal: ',',
      thousands: '.',
    });
    assert.deepEqual(types(columns), { Filiale: 'text', Artikel: 'text', Betrag: 'decimal(12,2)', Datum: 'date' });
    assert.equal(columns[3]!.format, '%d.%m.%Y');
    assert.deepEqual(columns[0]!.examples, ['Köln', 'Bonn']);
    assert.match(notes.join('\n'), /windows-1252/);
    assert.match(notes.join('\n'), /footer/);
  });
});

test('money is a decimal with the scale it has, and measurements with many digits are a double', async () => {
  await withFormat(csv, async ({ discover }) => {
    const { columns } = await discover('a,b,c,d\n1.5,1,3.14159265358979,1e3\n2.25,2.125,2,2.5\n-0.1,3,1,7\n');
    assert.deepEqual(types(columns), { a: 'decimal(12,2)', b: 'decimal(12,3)', c: 'double', d: 'double' });
  });
});

test('a date that may be day/month or month/day stays text with a note, unless another column of the file settles it', async () => {
  await withFormat(csv, async ({ discover }) => {
    const open = await discover('id,day\n1,01/02/2026\n2,03/04/2026\n');
    assert.equal(open.columns[1]!.type, 'text');
    assert.match(
      open.notes.join(),
      /day: every value can be read as day\/month and as month\/day.*%d\/%m\/%Y.*%m\/%d\/%Y/,
    );
    const settled = await discover('id,day,other\n1,01/02/2026,25/12/2026\n2,03/04/2026,01/12/2026\n');
    assert.deepEqual(
      [settled.columns[1]!.type, settled.columns[1]!.format, settled.columns[2]!.format],
      ['date', '%d/%m/%Y', '%d/%m/%Y'],
    );
    assert.match(settled.notes.join(), /Check it/);
    const american = await discover('at\n12/25/2026 1:30 PM\n01/02/2026 11:00 AM\n', { header: true });
    assert.deepEqual([american.columns[0]!.type, american.columns[0]!.format], ['timestamp', '%m/%d/%Y %I:%M %p']);
  });
});

test('a comma that may be decimal or separate thousands is text with a note, until the file shows which', async () => {
  await withFormat(csv, async ({ discover }) => {
    const open = await discover('id;n\n1;1,234\n2;5,678\n');
    assert.equal(open.columns[1]!.type, 'text');
    assert.match(open.notes.join(), /n: the comma in its numbers/);
    const comma = await discover('id;n;m\n1;1,234;0,5\n2;5,678;1,25\n');
    assert.deepEqual(types(comma.columns), { id: 'integer', n: 'decimal(12,3)', m: 'decimal(12,2)' });
    assert.equal(comma.config.decimal, ',');
    const thousands = await discover('id;n\n1;1,234.50\n2;12,345,678.00\n');
    assert.deepEqual(types(thousands.columns), { id: 'integer', n: 'decimal(12,2)' });
    assert.equal(thousands.config.thousands, ',');
  });
});

test('a type that changes late is seen when the whole file is read', async () => {
  await withFormat(csv, async ({ discover }) => {
    const rows = Array.from({ length: 60_000 }, (_, i) => `${i},${i === 59_000 ? 'n.v.' : i}`);
    const { columns } = await discover(`id,qty\n${rows.join('\n')}\n`, {}, true);
    assert.deepEqual(types(columns), { id: 'integer', qty: 'text' });
  });
});

test('the footer of a file of which only the beginning is read is seen all the same', async () => {
  await withFormat(csv, async ({ discover }) => {
    const rows = Array.from({ length: 400_000 }, (_, i) => `${i};Käufer ${i};a value that takes room`);
    const text = `id;name;note\n${rows.join('\n')}\nTOTAL;400000\n`;
    for (const content of [Buffer.from(text, 'latin1'), Buffer.from(`\ufeff${text}`, 'utf16le')]) {
      const { config, columns, rowsSeen } = await discover(content, {}, false);
      assert.equal(config.footer_lines, 1);
      assert.ok(rowsSeen > 100_000 && rowsSeen < 400_000);
      assert.deepEqual(types(columns), { id: 'integer', name: 'text', note: 'text' });
    }
  });
});

test('words for a missing value do not make a column text', async () => {
  await withFormat(csv, async ({ discover }) => {
    const { config, columns } = await discover('id,qty,word\n1,N/A,NULL\n2,5,x\n3,NULL,y\n4,,z\n');
    assert.deepEqual(config, { null_values: ['', 'N/A', 'NULL'] });
    assert.deepEqual(types(columns), { id: 'integer', qty: 'integer', word: 'text' });
    assert.equal(columns[1]!.nullable, true);
  });
});

test('a file without a header is known by its values; when nothing shows it, no row is taken for one', async () => {
  await withFormat(csv, async ({ discover }) => {
    const typed = await discover('1,2026-11-01,Köln\n2,2026-11-02,Bonn\n');
    assert.equal(typed.config.header, false);
    assert.deepEqual(types(typed.columns), { column_1: 'integer', column_2: 'date', column_3: 'text' });
    const words = await discover('alice,berlin\nbob,paris\ncarol,rome\n');
    assert.equal(words.config.header, false);
    assert.equal(words.rowsSeen, 3);
    assert.match(words.notes.join(), /set `header: true`/);
    const named = await discover('first_name,city\nbob,paris\ncarol,rome\n');
    assert.equal(named.config.header, undefined);
  });
});

test('delimiters, quotes, comments, UTF-16 and ragged lines are recognised', async () => {
  await withFormat(csv, async ({ discover }) => {
    assert.equal((await discover('id\tname\n1\ta, b\n2\tc, d\n')).config.delimiter, '\t');
    assert.equal((await discover('a;b\n1,5;2,5\n3,5;4,5\n')).config.delimiter, ';');
    assert.deepEqual((await discover("id,name\n1,'a, b'\n2,'c, d'\n3,'e'\n")).config, { quote: "'" });
    assert.deepEqual((await discover('# made by x\n# on monday\nid|name\n1|a\n2|b\n')).config, {
      delimiter: '|',
      comment: '#',
    });
    const wide = await discover(Buffer.from('\ufeffid;name\n1;é\n', 'utf16le'));
    assert.deepEqual([wide.config, wide.columns[1]!.examples], [{ delimiter: ';' }, ['é']]);
    const bare = await discover(Buffer.from('id;name\n1;ab\n', 'utf16le'));
    assert.deepEqual(bare.config, { encoding: 'utf-16', delimiter: ';' });
    const ragged = await discover('id|a|b\n1|x|y\n2|x\n3|x|y\n4|x|y|z\n');
    assert.equal(ragged.config.delimiter, '|');
    assert.match(ragged.notes.join('\n'), /1 of the first 5 records have fewer fields.*\n.*more fields/);
  });
});

test('settings that the user has made are kept and not repeated', async () => {
  await withFormat(csv, async ({ discover }) => {
    const { config, columns } = await discover('x;y\n1;2\n', { delimiter: ';', header: false });
    assert.deepEqual(config, {});
    assert.deepEqual(types(columns), { column_1: 'text', column_2: 'text' });
  });
});

test('an empty file is an error, a header alone is not', async () => {
  await withFormat(csv, async ({ discover }) => {
    for (const nothing of ['', '\n \n']) await assert.rejects(discover(nothing), { code: 'format.empty' });
    const { columns, rowsSeen } = await discover('id,name\n');
    assert.equal(rowsSeen, 0);
    assert.deepEqual(types(columns), { id: 'text', name: 'text' });
  });
});

test('quoted values with line ends and doubled quotes do not confuse the dialect', () => {
  const { delimiter, width, records } = guessDialect('id,text\n1,"two\nlines; ""so"""\n2,"a;b;c"\n');
  assert.deepEqual([delimiter, width, records.map((r) => r.line)], [',', 2, [1, 2, 4]]);
  assert.equal(records[1]!.fields[1], 'two\nlines; "so"');
});

test('a header is told by names above values of another kind', () => {
  const records = (rows: string[][]) => rows.map((fields, i) => ({ line: i + 1, fields }));
  assert.equal(
    guessHeader(
      records([
        ['Foo', 'Bar'],
        ['1', 'x'],
      ]),
    ).header,
    true,
  );
  assert.equal(
    guessHeader(
      records([
        ['12', 'Bar'],
        ['1', 'x'],
      ]),
    ).header,
    false,
  );
  assert.deepEqual(guessHeader([]), { header: false, unsure: false });
});

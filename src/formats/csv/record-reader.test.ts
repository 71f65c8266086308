import assert from 'node:assert/strict';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { completeConfig, scanDialect } from './config.ts';
import { RecordReader } from './record-reader.ts';

async function records(text: string, { multiline = true, maxBytes = 16e6 } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'granary-records-'));
  try {
    await writeFile(join(folder, 'f.csv'), text);
    await using file = await open(join(folder, 'f.csv'));
    const dialect = scanDialect(completeConfig({}));
    const reader = new RecordReader(file, { dialect, multiline, maxBytes }, { offset: 0, line: 1 });
    const found: { line: number; text: string; is: number | string; bytes: number }[] = [];
    while (await reader.fill())
      for (let r = reader.next(); r; r = reader.next())
        found.push({ line: r.line, text: reader.text(r), is: r.fault ?? r.fields, bytes: r.bytes });
    return found;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const outline = async (text: string, options = {}) => (await records(text, options)).map((r) => [r.line, r.is, r.text]);

test('a broken quote costs the physical line it opens on, and reading goes on at the next', async () => {
  assert.deepEqual(await outline('1,"a\nb"\n2,"open\n3,c\n4,"x"y\n5,"z"\n'), [
    [1, 2, '1,"a\nb"'],
    [3, 'text_after_quote', '2,"open'],
    [4, 2, '3,c'],
    [5, 'text_after_quote', '4,"x"y'],
    [6, 2, '5,"z"'],
  ]);
  assert.deepEqual(await outline('1,a\r\n2,"never\r\n3,b\r\n'), [
    [1, 2, '1,a'],
    [2, 'open_quote', '2,"never'],
    [3, 2, '3,b'],
  ]);
});

test('where values have one line, a quote that is open at its end is broken', async () => {
  assert.deepEqual(await outline('1,"a\nb"\n', { multiline: false }), [
    [1, 'open_quote', '1,"a'],
    [2, 1, 'b"'],
  ]);
});

test('quotes inside a value and spaces around a quoted one are taken', async () => {
  assert.deepEqual(await outline('5" pipe,it"s\n "a" ,\t"b,c"\n'), [
    [1, 2, '5" pipe,it"s'],
    [2, 2, ' "a" ,\t"b,c"'],
  ]);
});

test('a line longer than the limit is told with its length and its beginning, wherever it lies', async () => {
  const long = 'x'.repeat(3_000_000);
  const found = await records(`1,a\n${long}\r\n2,b\n"${long}\n3,c\n${long}`, { maxBytes: 1_000_000 });
  assert.deepEqual(
    found.map((r) => [r.line, r.is, r.bytes, r.text.length]),
    [
      [1, 2, 3, 3],
      [2, 'too_long', 3_000_000, 65_536],
      [3, 2, 3, 3],
      [4, 'too_long', 3_000_001, 65_536],
      [5, 2, 3, 3],
      [6, 'too_long', 3_000_000, 65_536],
    ],
  );
});

test('a record that is as long as the limit is no byte too long', async () => {
  assert.deepEqual(await outline('12345\r\n123456\n"1\n5"\n', { maxBytes: 5 }), [
    [1, 1, '12345'],
    [2, 'too_long', '123456'],
    [3, 1, '"1\n5"'],
  ]);
});

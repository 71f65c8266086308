import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { type CsvConfig, completeConfig } from './config.ts';
import { columnNames, columnPosition, LineSkipper, readHeader } from './header.ts';

async function header(text: string, config: Partial<CsvConfig> = {}): Promise<string[] | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-header-'));
  try {
    await writeFile(join(folder, 'f.csv'), text);
    return await readHeader({ path: join(folder, 'f.csv'), config: completeConfig(config) });
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('names are trimmed, and made unique and present', () => {
  assert.deepEqual(columnNames(['a', ' a ', '', 'b', 'a_2', 'a', '']), [
    'a',
    'a_2',
    'column_3',
    'b',
    'a_2_2',
    'a_3',
    'column_7',
  ]);
});

test('a column is found by its exact name before any other spelling of case', () => {
  assert.equal(columnPosition(['ID', 'id'], 'id'), 1);
  assert.equal(columnPosition(['Order ID', 'x'], 'order id '), 0);
  assert.equal(columnPosition(['a'], 'b'), undefined);
});

test('the header is the first record after the skipped lines, blank lines and comments', async () => {
  assert.deepEqual(await header('a,"b ""x""",c\n1,2,3\n'), ['a', 'b "x"', 'c']);
  assert.deepEqual(
    await header('made "by\r\nsomeone\r\n\r\n# c\r\na;b', { skip_lines: 2, delimiter: ';', comment: '#' }),
    ['a', 'b'],
  );
  assert.deepEqual(await header('"two\nlines",b\n'), ['two\nlines', 'b']);
  assert.equal(await header(''), undefined);
  assert.equal(await header('1,2\n', { header: false }), undefined);
});

test('a first record with broken quotes is no header, and the error says where', async () => {
  await assert.rejects(header('x\n"a"b,c\n', { skip_lines: 1 }), { code: 'format.invalid', where: { line: 2 } });
});

test('lines are skipped wherever the stream is cut, and whatever ends them', () => {
  for (const end of ['\n', '\r\n', '\r'])
    for (const size of [1, 2, 3, 100]) {
      const bytes = Buffer.from(`one${end}${end}three${end}rest`);
      const skipper = new LineSkipper(3);
      let rest = '';
      for (let at = 0; at < bytes.length; at += size)
        rest += Buffer.from(skipper.feed(bytes.subarray(at, at + size))).toString();
      assert.equal(rest, 'rest');
      assert.equal(skipper.offset, bytes.length - 4);
    }
});

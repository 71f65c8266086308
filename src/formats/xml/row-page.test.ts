import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { withFormat } from '../lib/testing.ts';
import { xml } from '../xml.ts';
import { RowFiles } from './row-files.ts';
import { MOST_ROWS, RowPage } from './row-page.ts';

test('the engine reads what is written: missing and empty values, any sign, values and rows that are more than a page holds', async () => {
  await withFormat(xml, async ({ engine, folder }) => {
    const columns = 300;
    const files = new RowFiles(await mkdtemp(join(folder, 'rows-')), columns);
    const page = new RowPage(columns, files);
    const values = ['', 'a', undefined, '\x01 "\n\r\t', '€𝄞', 'x'.repeat(3_000_000), undefined];
    const expected: (string | undefined)[][] = [];
    for (let r = 0; r < MOST_ROWS + 9; r++) {
      page.beginRow();
      const row = [0, 1, 299].map((c) => values[(r + c) % (r < 12 ? 7 : 5)]);
      for (const [k, c] of [0, 1, 299].entries())
        if (row[k] !== undefined) page.copied(c, Buffer.from(row[k]), Buffer.byteLength(row[k]));
      page.endRow(r + 2, r + 1);
      expected.push(row);
    }
    page.flush();
    files.takeLast();
    assert.equal(page.rows, MOST_ROWS + 9);
    const rows = await engine.all<{ [name: string]: string | number }>(
      `SELECT c0, c1, c299, _line, _record FROM read_parquet([${files.files.map((f) => `'${f.path}'`).join()}]) WHERE c2 IS NULL`,
    );
    assert.equal(rows.length, expected.length);
    for (const [r, row] of rows.entries())
      assert.deepEqual(
        [row['c0'], row['c1'], row['c299'], row['_line'], row['_record']],
        [...expected[r]!.map((v) => v ?? null), r + 2, r + 1],
        `row ${r}`,
      );
  });
});

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
    const page = new RowPage(columns, [], files);
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

test('values around records stand in every row of theirs, whatever page it is on and however long it is', async () => {
  await withFormat(xml, async ({ engine, folder }) => {
    const files = new RowFiles(await mkdtemp(join(folder, 'rows-')), 3);
    const page = new RowPage(3, [0, 2], files);
    const around = (n: number) => [
      n % 3 === 0 ? undefined : `a${n}`,
      n < 9_000 ? undefined : n % 2 === 0 ? '' : 'é'.repeat(n % 40),
    ];
    const expected: (string | null)[][] = [];
    const begin = (n: number) => {
      const bytes = around(n).map((v) => Buffer.from(v ?? ''));
      page.beginRun({
        bytes,
        lengths: Int32Array.from(around(n), (v, o) => (v === undefined ? -1 : bytes[o]!.length)),
      });
    };
    for (let n = 0; n < 12_000; n++) {
      // Values that no row has had come to nothing.
      if (n % 5 === 0) begin(n + 1);
      begin(n);
      for (let r = n % 4; r > 0; r--) {
        const own = n === 11_999 && r === 1 ? 'x'.repeat(400_000) : String(n);
        page.beginRow();
        page.copied(1, Buffer.from(own), own.length);
        page.endRow(n + 1, expected.length + 1);
        const [first, last] = around(n);
        expected.push([first ?? null, own, last ?? null]);
      }
    }
    page.flush();
    files.takeLast();
    const rows = await engine.all<{ c0: string; c1: string; c2: string }>(
      `SELECT c0, c1, c2 FROM read_parquet([${files.files.map((f) => `'${f.path}'`).join()}])`,
    );
    assert.ok(expected.length > MOST_ROWS);
    assert.deepEqual(
      rows.map((r) => [r.c0, r.c1, r.c2]),
      expected,
    );
  });
});

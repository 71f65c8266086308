/** Messages as the server would send them, and lines that land, without a server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineBuffer } from '../../lib/sql/line-buffer.ts';
import { parseLanded } from '../capture/testing.ts';
import { formatLsn, parseLsn } from './lsn.ts';
import { RowMessage, readRelation, readTruncated, UNCHANGED_LENGTH } from './messages.ts';

const u16 = (n: number) => Buffer.from([n >> 8, n & 255]);
const u32 = (n: number) => Buffer.from([n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]);
const z = (text: string) => Buffer.from(`${text}\0`);
/** undefined: not in the log. */
const tuple = (...values: (string | null | undefined)[]) =>
  Buffer.concat([
    u16(values.length),
    ...values.map((v) => {
      if (v === null) return Buffer.from('n');
      if (v === undefined) return Buffer.from('u');
      return Buffer.concat([Buffer.from('t'), u32(Buffer.byteLength(v)), Buffer.from(v)]);
    }),
  ]);

test('places of the log are compared as numbers, and written as the server does', () => {
  assert.equal(parseLsn('16/B374D848'), 0x16b374d848n);
  assert.equal(formatLsn(0x16b374d848n), '16/B374D848');
  assert.equal(formatLsn(parseLsn('0/0')), '0/0');
  assert.ok(parseLsn('1/0') > parseLsn('0/FFFFFFFF'));
  assert.throws(() => parseLsn('x'), /"x" is no place in the log/);
});

test('a relation tells names, types and the key of a table as it was', () => {
  const message = Buffer.concat([
    Buffer.from('R'),
    u32(4_000_000_000),
    z('public'),
    z('örders'),
    Buffer.from('d'),
    u16(2),
    Buffer.concat([Buffer.from([1]), z('id'), u32(20), u32(0xffffffff)]),
    Buffer.concat([Buffer.from([0]), z('amount'), u32(1700), u32(786438)]),
  ]);
  // It may stand anywhere in a chunk.
  const chunk = Buffer.concat([Buffer.from('xyz'), message]);
  assert.deepEqual(readRelation(chunk, 3), {
    oid: 4_000_000_000,
    schema: 'public',
    table: 'örders',
    identity: 'd',
    columns: [
      { name: 'id', isKey: true, type: 20, modifier: -1 },
      { name: 'amount', isKey: false, type: 1700, modifier: 786438 },
    ],
  });
  assert.deepEqual(
    readTruncated(Buffer.concat([Buffer.from('T'), u32(2), Buffer.from([1]), u32(7), u32(9)]), 0),
    [7, 9],
  );
});

test('row messages have the new row, the old one or its key, or both', () => {
  const row = new RowMessage();
  const values = (which: 'before' | 'after', buffer: Buffer) => {
    const { count, starts, lengths } = row[which];
    return Array.from({ length: count }, (_, i) =>
      lengths[i]! < 0 ? lengths[i] : buffer.toString('utf8', starts[i]!, starts[i]! + lengths[i]!),
    );
  };
  const insert = Buffer.concat([Buffer.from('I'), u32(1), Buffer.from('N'), tuple('1', null, '')]);
  row.read(insert, 0);
  assert.deepEqual([row.hasBefore, row.hasAfter, values('after', insert)], [false, true, ['1', -1, '']]);
  const update = Buffer.concat([
    Buffer.from('U'),
    u32(1),
    Buffer.from('K'),
    tuple('1', null),
    Buffer.from('N'),
    tuple('2', undefined),
  ]);
  row.read(update, 0);
  assert.deepEqual([row.hasBefore, row.isWhole, row.after.hasUnchanged], [true, false, true]);
  assert.deepEqual(
    [values('before', update), values('after', update)],
    [
      ['1', -1],
      ['2', UNCHANGED_LENGTH],
    ],
  );
  const wide = Buffer.concat([
    Buffer.from('D'),
    u32(1),
    Buffer.from('O'),
    tuple(...Array.from({ length: 1600 }, (_, i) => String(i))),
  ]);
  row.read(wide, 0);
  assert.deepEqual(
    [row.hasAfter, row.isWhole, values('before', wide).length, values('before', wide)[1599]],
    [false, true, 1600, '1599'],
  );
});

test('bytes become lines that are read as the same values', () => {
  const values = ['', 'plain', 'a,b', 'a "quoted" one', '\\N', 'two\nlines', 'cr\r', 'ü😀', 'nul\0', ' spaces '];
  const out = new LineBuffer();
  const bytes = values.map((v) => Buffer.from(v));
  for (let i = 0; i < 5000; i++) {
    out.room(bytes.reduce((sum, b) => sum + b.length * 2 + 3, 10));
    for (const b of bytes) {
      out.text(b, 0, b.length);
      out.comma();
    }
    out.null();
    out.endLine();
  }
  const header = [...values.map((_, i) => `c${i}`), 'none'];
  const rows = parseLanded(`${header.join(',')}\n${out.filled.toString()}`);
  assert.equal(rows.length, 5000);
  for (const row of rows) assert.deepEqual(Object.values(row), [...values, null]);
});

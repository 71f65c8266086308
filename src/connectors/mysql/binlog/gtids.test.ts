import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GranaryError } from '../../../lib/errors.ts';
import { MariaDbGtids, MysqlGtids } from './gtids.ts';

const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const B = '00000000-0000-0000-0000-00000000000b';

describe('transactions that were read', () => {
  it('of MariaDB are the last of every domain', () => {
    const gtids = new MariaDbGtids(' 7-3-9, 0-1-42');
    assert.equal(gtids.text, '0-1-42,7-3-9');
    gtids.add({ space: '0', sequence: 43n }, 2);
    assert.equal(gtids.text, '0-2-43,7-3-9');
    assert.ok(gtids.includes(new MariaDbGtids('0-1-42')));
    assert.ok(!gtids.includes(new MariaDbGtids('0-1-44')));
    assert.ok(!gtids.includes(new MariaDbGtids('9-1-1')));
  });

  it('of MySQL are sets, written as the server does, with line breaks or not', () => {
    const gtids = new MysqlGtids(`${A.toUpperCase()}:1-5:7:10-12,\n${B}:4`);
    assert.equal(gtids.text, `${B}:4,${A}:1-5:7:10-12`);
    assert.equal(new MysqlGtids('').text, '');
    assert.ok(gtids.includes(new MysqlGtids(`${A}:2-4:11`)));
    assert.ok(!gtids.includes(new MysqlGtids(`${A}:5-7`)));
    assert.ok(!gtids.includes(new MysqlGtids(`${B}:5`)));
    assert.throws(
      () => new MysqlGtids(`${A}:blue:1-5`),
      (e: unknown) => e instanceof GranaryError && /tags/.test(e.message),
    );
  });

  it('of MySQL come in any order, and become what a set of numbers says', () => {
    for (let round = 0; round < 200; round++) {
      const gtids = new MysqlGtids('');
      const numbers = new Set<number>();
      for (let i = 0; i < 30; i++) {
        const n = 1 + Math.floor(Math.random() * 40);
        numbers.add(n);
        gtids.add({ space: A, sequence: BigInt(n) });
      }
      const intervals: [number, number][] = [];
      for (const n of [...numbers].sort((a, b) => a - b)) {
        const last = intervals.at(-1);
        if (last && last[1] === n - 1) last[1] = n;
        else intervals.push([n, n]);
      }
      assert.equal(gtids.text, `${A}:${intervals.map(([a, b]) => (a === b ? a : `${a}-${b}`)).join(':')}`);
      assert.ok(gtids.includes(new MysqlGtids(gtids.text)));
    }
  });

  it('of MySQL are sent with ends that are not in them', () => {
    const bytes = new MysqlGtids(`${A}:1-5:7,${B}:9`).encode();
    const numbers = (p: number) => Number(bytes.readBigInt64LE(p));
    assert.equal(numbers(0), 2);
    assert.equal(bytes.toString('hex', 8, 24), B.replaceAll('-', ''));
    assert.deepEqual([numbers(24), numbers(32), numbers(40)], [1, 9, 10]);
    assert.equal(bytes.toString('hex', 48, 64), A.replaceAll('-', ''));
    assert.deepEqual([64, 72, 80, 88, 96].map(numbers), [2, 1, 6, 7, 8]);
    assert.equal(bytes.length, 104);
  });
});

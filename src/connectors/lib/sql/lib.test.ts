import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { addDecimals, compareDecimals } from './decimals.ts';
import { describeRead } from './describe.ts';
import { inOrder } from './in-order.ts';
import { landedLine } from './landed.ts';
import { type SqlRead, sqlReadSpec } from './read.ts';
import { parseTableName, partMatches } from './table-name.ts';
import { formatTime, parseTime } from './times.ts';

describe('names of tables', () => {
  const parts = (text: string) => parseTableName(text)?.map((p) => p.text);

  it('have up to three parts, quoted or not', () => {
    assert.deepEqual(parts('orders'), ['orders']);
    assert.deepEqual(parts('shop.orders'), ['shop', 'orders']);
    assert.deepEqual(parts('"my.db".`or``ders`'), ['my.db', 'or`ders']);
    assert.deepEqual(parts('a.b.c'), ['a', 'b', 'c']);
    for (const wrong of ['', '.', 'a.', 'a..b', 'a b', '"a', 'a.b.c.d']) assert.equal(parts(wrong), undefined, wrong);
  });

  it('may be patterns, where they are not quoted', () => {
    const [database, table] = parseTableName('shop_*.Orders*2')!;
    assert.ok(partMatches(database!, 'SHOP_north') && !partMatches(database!, 'ashop_north'));
    assert.ok(partMatches(table!, 'orders_of_2') && !partMatches(table!, 'orders_of_3'));
    const [literal] = parseTableName('`a*`')!;
    assert.ok(partMatches(literal!, 'a*') && !partMatches(literal!, 'ab'));
    const [dotted] = parseTableName('a+*')!;
    assert.ok(!partMatches(dotted!, 'aab'));
  });
});

describe('times', () => {
  it('are understood with and without zone, to the microsecond', () => {
    assert.equal(formatTime(parseTime('2026-03-01 12:00:00.000001')!), '2026-03-01 12:00:00.000001');
    assert.equal(formatTime(parseTime('2026-03-01T12:00:00.1Z')!), '2026-03-01 12:00:00.100000');
    assert.equal(formatTime(parseTime('2026-03-01 12:00:00+05:30')!), '2026-03-01 06:30:00.000000');
    assert.equal(formatTime(parseTime('2026-03-01 12:00:00-03')!), '2026-03-01 15:00:00.000000');
    assert.equal(formatTime(parseTime('1969-12-31 23:59:59.5')!), '1969-12-31 23:59:59.500000');
    for (const wrong of ['0000-00-00 00:00:00', '2026-02-30', 'infinity', '0044-03-15 BC', '2026-13-01'])
      assert.equal(parseTime(wrong), undefined, wrong);
  });
});

describe('decimal text', () => {
  it('is added and compared exactly', () => {
    assert.equal(addDecimals('0.1', '0.20'), '0.30');
    assert.equal(addDecimals('-0.05', '0.049'), '-0.001');
    assert.equal(
      addDecimals('99999999999999999999999999999999999999.99', '0.01'),
      '100000000000000000000000000000000000000.00',
    );
    assert.equal(addDecimals('1e3', '1'), undefined);
    assert.equal(compareDecimals('18446744073709551615', '9.5'), 1);
    assert.equal(compareDecimals('-2', '-1.99'), -1);
    assert.equal(compareDecimals('1.0', '1'), 0);
  });
});

describe('what a dataset of a database says', () => {
  const read = (value: unknown): SqlRead => {
    const issues: { message: string }[] = [];
    const parsed = sqlReadSpec.parse(value, [], { issues: issues as never });
    assert.deepEqual(issues, []);
    return parsed!;
  };
  const problems = (value: unknown) => describeRead(read(value)).problems!.map((p) => p.message);

  it('can be the name of a table alone, which is replaced each time', () => {
    const { load, columns, problems } = describeRead(read('shop.orders'));
    assert.deepEqual([load, columns, problems], [{ strategy: 'replace' }, {}, []]);
  });

  it('leads to a merge by its key, with the newest version and what is deleted', () => {
    const { load, columns, reconcileSeconds } = describeRead(
      read({ table: 'shop_*.orders', key: 'id', watermark: 'updated_at', deleted: 'gone', reconcile: 'every 1 d' }),
    );
    assert.deepEqual(load, { strategy: 'merge', key: ['id', '_table'], version: ['updated_at'], deleted: '_deleted' });
    assert.deepEqual(Object.keys(columns!), ['_table', '_deleted']);
    assert.equal(reconcileSeconds, 86_400);
  });

  it('is refused where it cannot be meant', () => {
    assert.match(problems({})[0]!, /missing/);
    assert.match(problems({ table: 't', query: 'SELECT 1' })[0]!, /not both/);
    assert.match(problems({ table: 't', watermark: 'w' })[0]!, /needs a key/);
    assert.match(problems({ table: 't', reconcile: 'every 1 d', watermark: 'w' }).join(), /need a key/);
    assert.match(problems({ table: 't', key: 'id', lookback: '1 h' })[0]!, /no watermark|none/);
    assert.match(problems({ query: 'SELECT * FROM t WHERE a > :watermark' })[0]!, /no watermark/);
    const issues: { message: string }[] = [];
    sqlReadSpec.parse({ table: 'a b', lookback: '10 apples', full: 'every now' }, [], { issues: issues as never });
    assert.equal(issues.length, 3);
  });
});

describe('work that is taken in order', () => {
  it('is begun so many pieces at a time and taken one after the other', async () => {
    const taken: number[] = [];
    let running = 0;
    let most = 0;
    await inOrder(
      { first: 1, count: 9, width: 3, signal: undefined },
      async (i) => {
        most = Math.max(most, ++running);
        await delay(i % 3 === 1 ? 20 : 1);
        running--;
        return i * 10;
      },
      async (result) => void taken.push(result),
    );
    assert.deepEqual(taken, [10, 20, 30, 40, 50, 60, 70, 80]);
    assert.equal(most, 3);
  });

  it('stops at the first error, when all that was begun has ended', async () => {
    const ended: number[] = [];
    const work = inOrder(
      { first: 0, count: 9, width: 3, signal: undefined },
      async (i, signal) => {
        if (i === 1) throw new Error('broken');
        await delay(i === 2 ? 60_000 : 5, undefined, { signal }).catch(() => undefined);
        ended.push(i);
      },
      async () => undefined,
    );
    await assert.rejects(work, /broken/);
    assert.ok(ended.includes(2) && !ended.includes(4), String(ended));
  });
});

describe('a line of names and values', () => {
  it('tells NULL from texts that look like it', () => {
    const line = landedLine(['a', '', '\\N', undefined, 'x"y', ' b', 'c,d\n']).toString();
    assert.equal(line, 'a,"","\\N",\\N,"x""y"," b","c,d\n"\n');
  });
});

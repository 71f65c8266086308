import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Horizon, SourceColumn } from './database.ts';
import type { SqlRead } from './read.ts';
import { sqlReadSpec } from './read.ts';
import { lowerBound, nextMark, topOf } from './watermark.ts';

const column = (type: SourceColumn['type']): SourceColumn => ({ name: 'w', native: type, type, nullable: false });
const read = (more: Record<string, unknown> = {}): SqlRead =>
  sqlReadSpec.parse({ table: 't', key: ['id'], watermark: ['w'], ...more }, [], { issues: [] })!;
const at = (now: string, more: Partial<Horizon> = {}): Horizon => ({
  now: `2026-10-25 ${now}`,
  oldest: undefined,
  unknown: undefined,
  wallClockOffset: 0,
  ...more,
});
/** The mark after a read at a time, and where the next read begins. */
const marked = (r: SqlRead, type: SourceColumn['type'], highest: string, horizon: Horizon) =>
  nextMark(r, column(type), undefined, { before: [highest], horizon, highest: [highest] });

describe('a watermark', () => {
  const day = '2026-10-25';

  it('goes to the highest value, and is read from a look-back before it', () => {
    const mark = marked(read(), 'timestamp_tz', `${day} 12:00:00.5+00`, at('12:01:00'));
    assert.deepEqual(mark.value, [`${day} 12:00:00.5+00`]);
    const bound = lowerBound(read(), column('timestamp_tz'), mark, at('12:10:00'));
    assert.deepEqual(bound, { value: `${day} 11:50:00.500000`, above: false, exact: false });
    const zero = lowerBound(read({ lookback: '0 s' }), column('timestamp_tz'), mark, at('12:10:00'));
    assert.deepEqual(zero, { value: `${day} 12:00:00.500000`, above: false, exact: true });
  });

  it('stays before the oldest open transaction, and before now when rows are dated ahead', () => {
    const open = at('12:01:00', { oldest: `${day} 11:58:00` });
    assert.deepEqual(marked(read(), 'timestamp_tz', `${day} 12:00:00`, open).value, [`${day} 11:58:00.000000`]);
    const ahead = marked(read(), 'timestamp_tz', '2099-01-01 00:00:00', at('12:01:00'));
    assert.deepEqual(ahead.value, [`${day} 12:00:59.000000`]);
    assert.deepEqual(ahead.seen, ['2099-01-01 00:00:00']);
  });

  it('of a wall clock is compared with the wall clock of the server', () => {
    const open = at('12:01:00', { oldest: `${day} 11:58:00`, wallClockOffset: 7200 });
    assert.deepEqual(marked(read(), 'timestamp', `${day} 14:00:00`, open).value, [`${day} 13:58:00.000000`]);
    assert.deepEqual(marked(read(), 'date', day, at('23:00:00', { wallClockOffset: 7200 })).value, [day]);
  });

  it('of a wall clock that was put back is read an hour more', () => {
    const summer = marked(read(), 'timestamp', `${day} 02:59:00`, at('00:59:10', { wallClockOffset: 7200 }));
    const bound = lowerBound(read(), column('timestamp'), summer, at('02:10:00', { wallClockOffset: 3600 }));
    assert.equal(bound!.value, `${day} 01:49:00.000000`);
    const forward = lowerBound(read(), column('timestamp'), summer, at('02:10:00', { wallClockOffset: 10_800 }));
    assert.equal(forward!.value, `${day} 02:49:00.000000`);
  });

  it('that has rested for longer than the look-back is not read again', () => {
    const rested = marked(read(), 'timestamp_tz', `${day} 12:00:00`, at('12:10:02'));
    assert.deepEqual(lowerBound(read(), column('timestamp_tz'), rested, at('13:00:00')), {
      value: `${day} 12:00:00`,
      above: true,
      exact: false,
    });
    const fresh = marked(read(), 'timestamp_tz', `${day} 12:00:00`, at('12:10:00'));
    assert.equal(lowerBound(read(), column('timestamp_tz'), fresh, at('13:00:00'))!.above, false);
    const open = at('12:30:00', { oldest: `${day} 11:00:00` });
    assert.equal(marked(read(), 'timestamp_tz', `${day} 12:00:00`, open).settled, false);
  });

  const follow = (previous: ReturnType<typeof marked>, before: string, horizon: Horizon, highest = before) =>
    nextMark(read(), column('bigint'), previous, { before: [before], horizon, highest: [highest] });

  it('of a sequence stays at what was highest before the oldest open transaction began', () => {
    const one = marked(read(), 'bigint', '100', at('12:00:00'));
    const two = follow(one, '200', at('12:05:00'));
    assert.deepEqual(two.value, ['200']);
    const three = follow(two, '300', at('12:10:00', { oldest: `${day} 12:04:00` }));
    assert.deepEqual(three.value, ['100']);
    assert.deepEqual(three.seen, ['300']);
    assert.deepEqual(follow(three, '400', at('12:15:00', { oldest: `${day} 12:12:00` })).value, ['300']);
    const first = marked(read(), 'bigint', '100', at('12:10:00', { oldest: `${day} 12:04:00` }));
    assert.equal(first.value, null, 'nothing is known from before: all is read again');
    assert.equal(lowerBound(read(), column('bigint'), first, at('13:00:00')), undefined);
    assert.equal(lowerBound(read({ lookback: 30 }), column('bigint'), two, at('13:00:00'))!.value, '170');
    assert.equal(lowerBound(read(), column('bigint'), two, at('13:00:00'))!.value, '-800');
  });

  it('of a sequence goes no higher than what was there before open transactions were asked for', () => {
    const one = marked(read(), 'bigint', '100', at('12:00:00'));
    const two = follow(one, '200', at('12:05:00'), '5000');
    assert.deepEqual([two.value, two.seen], [['200'], ['5000']]);
    const empty = { before: null, horizon: at('12:00:00'), highest: ['5000'] };
    assert.equal(nextMark(read(), column('bigint'), undefined, empty).value, null);
  });

  it('of an empty table stays where it was', () => {
    const one = marked(read(), 'timestamp_tz', `${day} 12:00:00`, at('12:01:00'));
    const emptied = nextMark(read(), column('timestamp_tz'), one, {
      before: null,
      horizon: at('12:02:00'),
      highest: null,
    });
    assert.deepEqual([emptied.value, emptied.seen], [one.value, one.seen]);
  });

  it('of rows that are gone is above all that was seen', () => {
    const mark = { value: ['5'], seen: ['18446744073709551615'], settled: false, offset: 0, history: [] };
    assert.deepEqual(topOf([column('decimal(20,0)')], mark, at('12:00:00')), ['18446744073709551615']);
    const times = { ...mark, value: [`${day} 11:00:00`], seen: [`${day} 11:00:00`, '7'] };
    assert.deepEqual(topOf([column('timestamp'), column('bigint')], times, at('12:00:00', { wallClockOffset: 3600 })), [
      `${day} 13:00:00.000000`,
      '7',
    ]);
  });

  it('does not take a look-back of another kind', () => {
    const mark = marked(read(), 'bigint', '100', at('12:00:00'));
    assert.throws(() => lowerBound(read({ lookback: '10 min' }), column('bigint'), mark, at('13:00:00')), {
      code: 'config.invalid',
    });
  });
});

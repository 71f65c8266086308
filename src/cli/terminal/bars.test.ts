import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bars, barLine } from './bars.ts';

const work = {
  what: 'verifying sales.csv',
  done: 50e6,
  total: 200e6,
  unit: 'bytes' as const,
  from: { at: 0, done: 0 },
};

test('a bar tells what, how far, how fast and how long it will take', () => {
  assert.match(
    barLine(work, 10_000, 120),
    /^verifying sales\.csv +█████░{15} {3}25 % {2}50\.0 MB {2}5\.0 MB\/s {2}30 s left$/,
  );
});

test('work that does not tell how far it is shows its size and its time', () => {
  assert.match(
    barLine({ ...work, what: 'reading', done: 0, total: 1_500_000, unit: 'rows' }, 12_000, 120),
    /^reading +1,500,000 rows {2}12 s$/,
  );
});

test('a resumed transfer is measured from where it went on', () => {
  assert.match(barLine({ ...work, done: 60e6, from: { at: 0, done: 50e6 } }, 10_000, 120), /1\.0 MB\/s/);
});

function screen(): { columns: number; written: string[]; write(text: string): boolean } {
  const written: string[] = [];
  return { columns: 80, written, write: (text) => written.push(text) > 0 };
}

test('bars are redrawn in place, go away when their work is done, and never cross a line of output', (t) => {
  const s = screen();
  let now = 0;
  const bars = new Bars(s, () => now);
  t.after(() => bars.clear());
  bars.update({ ...work, what: 'a.csv' });
  now = 1000;
  bars.update({ ...work, what: 'b.csv' });
  assert.equal(s.written.at(-1)!.split('\n').length, 3, 'two bars');
  bars.hide();
  assert.equal(s.written.at(-1), '\r\x1b[2A\x1b[J');
  now = 2000;
  bars.update({ ...work, what: 'a.csv', done: 200e6 });
  assert.doesNotMatch(s.written.at(-1)!, /a\.csv/);
  bars.finish('b.csv');
  now = 3000;
  bars.update({ ...work, what: 'c.csv' });
  assert.doesNotMatch(s.written.at(-1)!, /b\.csv/);
});

test('without a screen nothing is drawn', () => {
  const bars = new Bars(undefined);
  bars.update(work);
  bars.hide();
  bars.clear();
});

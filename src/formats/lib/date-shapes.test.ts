import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateFormats, formatPattern, swapDayMonth } from './date-shapes.ts';

test('a value shows which formats it may be in', () => {
  const cases: Record<string, string[]> = {
    '01/02/2026': ['%d/%m/%Y', '%m/%d/%Y'],
    '1.2.26': ['%d.%m.%y', '%m.%d.%y'],
    '2026/02/01': ['%Y/%m/%d'],
    '21-Nov-2026': ['%d-%b-%Y'],
    '01/02/2026 9:30 PM': ['%d/%m/%Y %I:%M %p', '%m/%d/%Y %I:%M %p'],
    '01.02.2026 09:30:15.250': ['%d.%m.%Y %H:%M:%S.%f', '%m.%d.%Y %H:%M:%S.%f'],
    '20261121': ['%Y%m%d'],
    '20261121093000': ['%Y%m%d%H%M%S'],
    '12345678': [],
    '1.2.3.4': [],
    hello: [],
    '01/02/2026 noon': [],
  };
  assert.deepEqual(Object.fromEntries(Object.keys(cases).map((v) => [v, dateFormats(v)])), cases);
});

test('a pattern holds a format to its own digits', () => {
  const fits = (format: string, value: string) => new RegExp(`^(?:${formatPattern(format)})$`).test(value);
  assert.equal(fits('%d.%m.%Y', '1.2.2026'), true);
  assert.equal(fits('%d.%m.%Y', '1.2.26'), false);
  assert.equal(fits('%d.%m.%Y', '1x2x2026'), false);
  assert.equal(fits('%Y%m%d', '20261121'), true);
  assert.equal(fits('%Y%m%d', '2026112'), false);
  assert.equal(swapDayMonth('%d/%m/%Y'), '%m/%d/%Y');
});

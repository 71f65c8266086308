import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileNamePattern } from './name-pattern.ts';

const match = (pattern: string, path: string) => compileNamePattern(pattern).match(path);

test('text in a pattern is literal, dots and brackets and case too', () => {
  assert.deepEqual(match('a+b(1).csv', 'a+b(1).csv'), { parts: {} });
  assert.equal(match('a.csv', 'aXcsv'), undefined);
  assert.equal(match('a.csv', 'A.csv'), undefined);
  assert.equal(match('a.csv', 'x/a.csv'), undefined);
  assert.equal(match('a.csv', 'a.csv\n'), undefined);
});

test('* and ? stay within a folder and ** does not', () => {
  assert.ok(match('*.csv', 'a.csv'));
  assert.ok(match('*.csv', '.csv'));
  assert.equal(match('*.csv', 'x/a.csv'), undefined);
  assert.ok(match('a?.csv', 'a1.csv'));
  assert.equal(match('a?.csv', 'a.csv'), undefined);
  assert.equal(match('a?b', 'a/b'), undefined);
  for (const path of ['a.csv', 'x/a.csv', 'x/y/a.csv']) assert.ok(match('**/*.csv', path), path);
  assert.ok(match('in/**', 'in/x/y'));
  assert.equal(match('in/**', 'in'), undefined);
});

test('a part is named, stays within its folder, and is as short as it can be', () => {
  assert.deepEqual(match('{region}/{store}_sales.csv', 'north/s12_sales.csv')?.parts, {
    region: 'north',
    store: 's12',
  });
  assert.deepEqual(match('{a}_{b}.csv', 'x_y_z.csv')?.parts, { a: 'x', b: 'y_z' });
  assert.deepEqual(match('*_{a}.csv', 'x_y_z.csv')?.parts, { a: 'z' });
  assert.equal(match('{a}.csv', '.csv'), undefined);
  assert.equal(match('{a}.csv', 'x/y.csv'), undefined);
});

test('a part that is named twice must have the same value in both places', () => {
  assert.deepEqual(match('{store}/{store}1.csv', 's/s1.csv')?.parts, { store: 's' });
  assert.equal(match('{store}/{store}1.csv', 's/t1.csv'), undefined);
});

test('a date in a name becomes an ISO date', () => {
  assert.deepEqual(match('sales_{date:yyyyMMdd}.csv', 'sales_20261119.csv'), {
    parts: { date: '2026-11-19' },
    date: '2026-11-19',
  });
  assert.equal(match('{date:dd.MM.yy}.csv', '19.11.26.csv')?.date, '2026-11-19');
  assert.equal(match('{date:yyyyDDD}', '2024366')?.date, '2024-12-31');
  assert.equal(match("{date:yyyyMMdd'T'HHmmss}", '20261119T040506')?.date, '2026-11-19T04:05:06');
  assert.equal(match('{date:yyyy-MM-dd HH}', '2026-11-19 23')?.date, '2026-11-19T23:00:00');
  assert.equal(match('{date:yyyy-MM}', '2026-11')?.date, '2026-11-01');
  assert.equal(match('{date:yy}', '69')?.date, '1969-01-01');
});

test('a date may be spread over folders, and its pieces must agree', () => {
  const pattern = compileNamePattern('in/{date:yyyy}/{date:MM}/s_{date:yyyyMMdd}.csv');
  assert.equal(pattern.match('in/2026/11/s_20261119.csv')?.date, '2026-11-19');
  assert.equal(pattern.match('in/2025/11/s_20261119.csv'), undefined);
  assert.equal(match('{date:yyyy/MM/dd}/x', '2026/11/19/x')?.date, '2026-11-19');
});

test('a name with a date that does not exist is not matched', () => {
  for (const day of ['20260230', '20261301', '20260431', '20250229', '20260000'])
    assert.equal(match('{date:yyyyMMdd}', day), undefined, day);
  assert.equal(match('{date:yyyyMMdd}', '20240229')?.date, '2024-02-29');
  assert.equal(match('{date:yyyyDDD}', '2025366'), undefined);
  assert.equal(match('{date:yyyyMMddHH}', '2026111924'), undefined);
});

test('a pattern says which folder to list and how deep', () => {
  const reach = (pattern: string) => {
    const { folder, depth } = compileNamePattern(pattern);
    return [folder, depth];
  };
  assert.deepEqual(reach('a.csv'), ['', 0]);
  assert.deepEqual(reach('in/new/a*.csv'), ['in/new', 0]);
  assert.deepEqual(reach('in/ne*/a.csv'), ['in', 1]);
  assert.deepEqual(reach('{store}/x/*.csv'), ['', 2]);
  assert.deepEqual(reach('in/{date:yyyy/MM}/x.csv'), ['in', 2]);
  assert.deepEqual(reach('in/**/x.csv'), ['in', Infinity]);
});

test('the example of a pattern matches it', () => {
  for (const text of [
    'a.csv',
    'in/**/*_{store}_?.csv',
    "{date:yyyy}/{date:MMdd'T'HHmmss}.gz",
    '{a}/{a}/**',
    '{date:yyDDD}',
  ]) {
    const pattern = compileNamePattern(text);
    assert.ok(pattern.match(pattern.example), `${text}: ${pattern.example}`);
  }
});

test('a wrong pattern is refused with what is wrong in it', () => {
  const refused: [string, RegExp][] = [
    ['', /empty/],
    ['/a.csv', /leading "\/"/],
    ['a\\b.csv', /separated by/],
    ['inbox/', /names a folder/],
    ['../a.csv', /not allowed/],
    ['a**b', /whole folders/],
    ['a{b', /not closed/],
    ['ab}', /has no "\{"/],
    ['{Store}', /not a part/],
    ['{date}', /yyyyMMdd/],
    ['{date:YYYYMMDD}', /"Y".*is not known/],
    ['{date:HHmm}', /needs a year/],
    ['{date:yyyymmdd}', /a month is MM/],
    ['{date:yyyy}-{date:dd}', /needs a month/],
    ['{date:--}', /no date in it/],
  ];
  for (const [pattern, message] of refused)
    assert.throws(() => compileNamePattern(pattern), { code: 'config.invalid', message }, pattern);
});

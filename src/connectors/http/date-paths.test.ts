import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expandPaths } from './date-paths.ts';

const NOW = new Date('2026-03-01T01:30:00Z');
const DAY = 86_400;

describe('paths with date parts', () => {
  it('stand once for each day back, newest first', () => {
    assert.deepEqual(expandPaths(['{yyyy}/{MM}/sales_{yy}{MM}{dd}.csv'], NOW, 2 * DAY), [
      '2026/03/sales_260301.csv',
      '2026/02/sales_260228.csv',
      '2026/02/sales_260227.csv',
    ]);
  });

  it('stand once for each hour when they have one', () => {
    assert.deepEqual(expandPaths(['{MM}{dd}T{HH}'], NOW, 2 * 3600), ['0301T01', '0301T00', '0228T23']);
  });

  it('stand once for a month or without any date', () => {
    assert.deepEqual(expandPaths(['{yyyy}-{MM}.csv', 'all.csv', '{other}.csv'], NOW, 2 * DAY), [
      '2026-03.csv',
      '2026-02.csv',
      'all.csv',
      '{other}.csv',
    ]);
  });
});

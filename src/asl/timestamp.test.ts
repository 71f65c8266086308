import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTimestamp } from './timestamp.ts';

test('timestamps are read to the nanosecond, in any zone', () => {
  assert.deepEqual(parseTimestamp('1970-01-01T00:00:01Z'), { seconds: 1, nanos: 0 });
  assert.deepEqual(parseTimestamp('1970-01-01T01:00:00.000000001+01:00'), { seconds: 0, nanos: 1 });
  assert.deepEqual(parseTimestamp('2024-02-29T23:59:59.5-00:30'), { seconds: 1709252999, nanos: 500_000_000 });
});

test('what is no timestamp of RFC 3339 with T and Z is refused', () => {
  for (const text of [
    '',
    '2026-01-01',
    '2026-01-01 00:00:00Z',
    '2026-01-01t00:00:00z',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00Z',
  ])
    assert.equal(parseTimestamp(text), undefined, text);
  for (const text of ['2026-02-30T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-01T25:00:00Z'])
    assert.equal(parseTimestamp(text), undefined, text);
});

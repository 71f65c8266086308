import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MetricFamily, renderOpenMetrics } from './openmetrics.ts';
import { parseOpenMetrics } from './test-openmetrics.ts';

test('counters end in _total, facts in _info, histograms are cumulative and have +Inf', () => {
  const text = renderOpenMetrics([
    { type: 'info', name: 'granary', help: 'What runs.', samples: [{ labels: { version: '1' }, value: 1 }] },
    { type: 'counter', name: 'rows', help: 'Rows.', samples: [{ labels: { b: '2', a: '1' }, value: 7 }] },
    {
      type: 'histogram',
      name: 'wait_seconds',
      unit: 'seconds',
      help: 'Waits.',
      samples: [{ labels: { stage: 'load' }, bounds: [0.5, 1], counts: [2, 1, 4], sum: 9.25 }],
    },
  ]);
  assert.equal(
    text,
    `# TYPE granary info
# HELP granary What runs.
granary_info{version="1"} 1
# TYPE rows counter
# HELP rows Rows.
rows_total{a="1",b="2"} 7
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
# HELP wait_seconds Waits.
wait_seconds_bucket{stage="load",le="0.5"} 2
wait_seconds_bucket{stage="load",le="1.0"} 3
wait_seconds_bucket{stage="load",le="+Inf"} 7
wait_seconds_count{stage="load"} 7
wait_seconds_sum{stage="load"} 9.25
# EOF
`,
  );
  assert.equal(parseOpenMetrics(text).get('wait_seconds')!.samples['wait_seconds_bucket{stage="load",le="1.0"}'], 3);
});

test('any text may stand in a label', () => {
  const value = 'a "quoted" \\ path,\nsecond {line}=x';
  const text = renderOpenMetrics([
    { type: 'gauge', name: 'g', help: 'A\nB', samples: [{ labels: { x: value }, value: 1 }] },
  ]);
  const [key] = Object.keys(parseOpenMetrics(text).get('g')!.samples);
  assert.equal(JSON.parse(`"${/x="(.*)"/.exec(key!)![1]}"`), value);
});

test('what breaks the format is refused', () => {
  const gauge = (more: object): MetricFamily =>
    ({ type: 'gauge', name: 'g', help: 'G.', samples: [{ value: 1 }], ...more }) as MetricFamily;
  const refused = (...families: MetricFamily[]) => assert.throws(() => renderOpenMetrics(families), RangeError);
  refused(gauge({ name: 'rows_total' }));
  refused(gauge({ name: '1st' }));
  refused(gauge({ unit: 'seconds' }));
  refused(gauge({}), gauge({}));
  refused(gauge({ samples: [{ value: 1 }, { value: 2 }] }));
  refused(gauge({ samples: [{ labels: { 'a-b': '' }, value: 1 }] }));
  refused(gauge({ type: 'counter', samples: [{ value: -1 }] }));
  refused(gauge({ type: 'counter', samples: [{ value: Number.NaN }] }));
  refused(gauge({ type: 'histogram', samples: [{ bounds: [1], counts: [1], sum: 1 }] }));
  refused(gauge({ type: 'histogram', samples: [{ bounds: [2, 1], counts: [1, 1, 1], sum: 1 }] }));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MetricFamily, renderOpenMetrics } from './openmetrics.ts';

interface Parsed {
  type: string;
  samples: Record<string, number>;
}

/** A strict reader of OpenMetrics text: order of the lines, suffixes, escapes, one block a family. */
export function parseOpenMetrics(text: string): Map<string, Parsed> {
  assert.ok(text.endsWith('# EOF\n'));
  const families = new Map<string, Parsed>();
  let name = '';
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const meta = /^# (TYPE|UNIT|HELP) ([a-z_]+) (.*)$/.exec(line);
    if (meta?.[1] === 'TYPE') {
      name = meta[2]!;
      assert.ok(!families.has(name), `${name} has two blocks`);
      families.set(name, { type: meta[3]!, samples: {} });
    } else if (meta) {
      assert.equal(meta[2], name);
      if (meta[1] === 'UNIT') assert.ok(name.endsWith(`_${meta[3]}`));
    } else {
      const sample = /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,(?!\})|(?=\})))*\})? (\S+)$/.exec(line);
      assert.ok(sample, `no sample: ${line}`);
      const { type, samples } = families.get(name)!;
      const suffixes = { counter: ['_total'], gauge: [''], info: ['_info'], histogram: ['_bucket', '_count', '_sum'] };
      assert.ok(
        suffixes[type as keyof typeof suffixes].some((s) => sample[1] === name + s),
        line,
      );
      const key = `${sample[1]}${sample[2] ?? ''}`;
      assert.ok(!(key in samples), `${key} is there twice`);
      samples[key] = sample[3] === '+Inf' ? Number.POSITIVE_INFINITY : Number(sample[3]);
      assert.ok(!Number.isNaN(samples[key]), line);
    }
  }
  return families;
}

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

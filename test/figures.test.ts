import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderOpenMetrics } from '../src/lib/openmetrics.ts';
import { parseOpenMetrics } from '../src/lib/test-openmetrics.ts';
import { EMPTY_BOOKS } from '../src/model/books.ts';
import { RUNS, type RunDoc } from '../src/model/runs.ts';
import { Figures } from '../src/runtime/figures.ts';
import { Meter } from '../src/runtime/metrics.ts';
import { openRuntime } from '../src/runtime/runtime.ts';
import { makeProject } from './support/projects.ts';

test('every run is counted once, however often it is asked and however long another one goes on', async (t) => {
  const dir = await makeProject(t, {});
  const runtime = await openRuntime({ dir, command: 'test' });
  try {
    const { context } = runtime;
    const put = (n: number, status: RunDoc['status']) =>
      context.state.put(RUNS, {
        id: `r${n}`,
        startedAt: new Date(n * 1000).toISOString(),
        endedAt: null,
        status,
        command: '',
        pipeline: n % 2 ? 'odd' : 'even',
        trigger: 'manual',
        totals: EMPTY_BOOKS,
        landed: 0,
        quarantined: 0,
        errors: [],
      });
    const figures = new Figures({ context, meter: new Meter() });
    const counts = async () => {
      const families = parseOpenMetrics(renderOpenMetrics(await figures.collect()));
      return families.get('granary_runs')!.samples;
    };
    assert.deepEqual(await counts(), {});
    for (let n = 0; n < 10; n++) await put(n, n === 5 ? 'running' : 'succeeded');
    const before = {
      'granary_runs_total{outcome="succeeded",pipeline="even"}': 5,
      'granary_runs_total{outcome="succeeded",pipeline="odd"}': 4,
    };
    assert.deepEqual(await counts(), before);
    assert.deepEqual(await counts(), before);
    await put(5, 'failed');
    await put(10, 'succeeded');
    const after = {
      'granary_runs_total{outcome="succeeded",pipeline="even"}': 6,
      'granary_runs_total{outcome="succeeded",pipeline="odd"}': 4,
      'granary_runs_total{outcome="failed",pipeline="odd"}': 1,
    };
    for (let i = 0; i < 3; i++) assert.deepEqual(await counts(), after);
    await put(11, 'failed');
    assert.equal((await counts())['granary_runs_total{outcome="failed",pipeline="odd"}'], 2);
  } finally {
    await runtime.close();
  }
});

test('durations of stages are counted by outcome, each in its bucket', async () => {
  const meter = new Meter();
  for (const seconds of [0.001, 0.2, 0.2, 4000, -1]) meter.record('load', seconds, 'ok');
  meter.record('load', 1, 'load.failed');
  const samples = meter.stages();
  assert.deepEqual(
    samples.map((s) => [s.labels!['outcome'], s.counts.reduce((a, b) => a + b), s.counts.at(-1)]),
    [
      ['ok', 5, 1],
      ['load.failed', 1, 0],
    ],
  );
  const text = renderOpenMetrics([{ type: 'histogram', name: 'd_seconds', help: 'D.', samples }]);
  assert.equal(
    parseOpenMetrics(text).get('d_seconds')!.samples['d_seconds_bucket{outcome="ok",stage="load",le="0.25"}'],
    4,
  );
});

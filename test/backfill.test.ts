import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import type { GranaryError } from '../src/lib/errors.ts';
import { backfillInput, executeBackfill, expectedDates, isEmpty, planBackfill } from '../src/runtime/backfill.ts';
import { openRuntime } from '../src/runtime/runtime.ts';
import { makeProject, runProject, writeFiles } from './support/projects.ts';

const SOURCE = `connector: { type: folder, path: inbox }
schedule: { cron: 0 5 * * *, calendar: retail }
datasets:
  sales:
    files: 'sales_{date:yyyyMMdd}.csv'
    verify: { min_rows: 1 }
    columns: { id: bigint }
  stores:
    files: 'stores.csv'
    columns: { id: bigint }
`;
const PROJECT = `name: test
workers: { memory: 300 MB }
warehouse: { memory: 500 MB }
calendars: { retail: { weekend: [sunday], holidays: [2026-11-18] } }
`;

const execute = promisify(execFile);
async function granary(dir: string, ...words: string[]): Promise<string> {
  return (await execute(process.execPath, [join(import.meta.dirname, '../bin/granary.js'), ...words, '-C', dir]))
    .stdout;
}

async function plan(t: TestContext, dir: string, from: string, to: string, dataset = 'sales') {
  const runtime = await openRuntime({ dir, command: 'test' });
  t.after(() => runtime.close());
  return planBackfill(runtime.context, runtime.project.sources.get('shop')!.datasets.get(dataset)!, from, to);
}

test('a backfill takes the gaps only, and says of every expected day what becomes of it', async (t) => {
  const dir = await makeProject(t, {
    'granary.yaml': PROJECT,
    'sources/shop.yaml': SOURCE,
    'inbox/sales_20261116.csv': 'id\n1\n',
    'inbox/sales_20261117.csv': 'id\n',
    'inbox/sales_20261119.csv': 'id\n3\n',
  });
  await runProject(dir);
  await rm(join(dir, 'inbox/sales_20261119.csv'));
  await writeFiles(dir, {
    'inbox/sales_20261120.csv': 'id\n4\n',
    'inbox/sales_20261120.csv.part': 'id\n4\n',
    'inbox/sales_20261124.csv': 'id\n8\n',
  });
  const found = await plan(t, dir, '2026-11-16', '2026-11-23');
  assert.equal(found.dataset, 'main/shop/sales');
  assert.equal(found.calendar, 'retail');
  assert.deepEqual(found.there, ['2026-11-16', '2026-11-19']);
  assert.deepEqual(
    found.land.map((l) => [l.date, l.file.path]),
    [['2026-11-20', 'sales_20261120.csv']],
  );
  assert.deepEqual(
    found.held.map((h) => [h.date, h.name]),
    [['2026-11-17', 'sales_20261117.csv']],
  );
  assert.match(found.held[0]!.reason, /granary quarantine release/);
  // Neither the holiday (18) nor the Sunday (22) is expected.
  assert.deepEqual(found.nothing, ['2026-11-21', '2026-11-23']);
  assert.deepEqual(found.process, []);

  const started: unknown[] = [];
  await executeBackfill(found, async (pipeline, input) => started.push([pipeline, input]));
  assert.deepEqual(started, [['shop.sales', backfillInput(found)]]);
  assert.deepEqual(backfillInput(found).paths, ['sales_20261120.csv']);
});

test('what runs is what was listed: new files of other days stay where they are', async (t) => {
  const dir = await makeProject(t, {
    'granary.yaml': PROJECT,
    'sources/shop.yaml': SOURCE,
    'inbox/sales_20261120.csv': 'id\n4\n',
    'inbox/sales_20261124.csv': 'id\n8\n',
  });
  const listed = await granary(
    dir,
    'backfill',
    'shop.sales',
    '--from=2026-11-20',
    '--to=2026-11-21',
    '--dry-run',
    '--json',
  );
  assert.deepEqual(
    JSON.parse(listed).land.map((l: { date: string }) => l.date),
    ['2026-11-20'],
  );
  await granary(dir, 'backfill', 'shop.sales', '--from=2026-11-20', '--to=2026-11-21');
  const after = await plan(t, dir, '2026-11-20', '2026-11-24');
  assert.deepEqual(after.there, ['2026-11-20']);
  assert.deepEqual(
    after.land.map((l) => l.date),
    ['2026-11-24'],
  );
});

test('the calendar of the expectation says which days should have come', async (t) => {
  const expecting = SOURCE.replace('schedule: { cron: 0 5 * * *, calendar: retail }\n', '').replace(
    'verify: { min_rows: 1 }',
    "expect: { due: '06:00', calendar: retail }",
  );
  const dir = await makeProject(t, {
    'granary.yaml': PROJECT,
    'sources/shop.yaml': expecting,
    'inbox/stores.csv': 'id\n1\n',
  });
  const found = await plan(t, dir, '2026-11-17', '2026-11-23');
  assert.deepEqual(found.nothing, ['2026-11-17', '2026-11-19', '2026-11-20', '2026-11-21', '2026-11-23']);
});

test('with everything there, nothing is started', async (t) => {
  const dir = await makeProject(t, {
    'granary.yaml': PROJECT,
    'sources/shop.yaml': SOURCE,
    'inbox/sales_20261116.csv': 'id\n1\n',
  });
  await runProject(dir);
  const found = await plan(t, dir, '2026-11-16', '2026-11-16');
  assert.deepEqual([isEmpty(found), found.there], [true, ['2026-11-16']]);
  assert.equal(await executeBackfill(found, () => Promise.reject(new Error('started'))), undefined);
});

test('file names without dates are refused', async (t) => {
  const dir = await makeProject(t, { 'granary.yaml': PROJECT, 'sources/shop.yaml': SOURCE });
  const refusedAs = (code: string) => (e: GranaryError) => e.code === code;
  await assert.rejects(plan(t, dir, '2026-11-01', '2026-11-02', 'stores'), refusedAs('stage.bad_input'));
});

test('days that do not exist, or end before they begin, are refused', async (t) => {
  const dir = await makeProject(t, { 'granary.yaml': PROJECT, 'sources/shop.yaml': SOURCE });
  const runtime = await openRuntime({ dir, command: 'test' });
  t.after(() => runtime.close());
  const dataset = runtime.project.sources.get('shop')!.datasets.get('sales')!;
  for (const [from, to] of [
    ['2026-02-30', '2026-03-01'],
    ['2026-3-1', '2026-03-02'],
    ['2026-03-02', '2026-03-01'],
  ] as const)
    await assert.rejects(planBackfill(runtime.context, dataset, from, to), (e: GranaryError) => e.code === 'cli.usage');
});

test('of monthly files the first of each month is expected, also of the month that is begun', () => {
  assert.deepEqual(expectedDates('2026-01-15', '2026-03-02', 'month'), ['2026-01-01', '2026-02-01', '2026-03-01']);
  assert.deepEqual(expectedDates('2025-06-01', '2026-03-02', 'year'), ['2025-01-01', '2026-01-01']);
  assert.equal(expectedDates('2028-02-28', '2028-03-01', 'day').length, 3);
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pipelinesOf, startsByItself } from './pipelines.ts';
import { load, problemLines } from './testing.ts';

const source = (lines = '', dataset = '') => `connector: { type: folder, path: inbox }
${lines}
datasets:
  sales: { files: 'sales_*.csv', columns: { id: bigint }${dataset} }
  returns: { files: 'returns_*.csv', columns: { id: bigint } }
`;

async function pipelines(t: TestContext, files: Record<string, string>) {
  const { project } = await load(t, files);
  return Object.fromEntries(pipelinesOf(project).map((p) => [p.name, p]));
}

test('without any schedule, sources run when files arrive and the rest by hand', async (t) => {
  const all = await pipelines(t, { 'sources/shop.yaml': source() });
  assert.deepEqual(
    Object.values(all).map((p) => [p.name, p.kind, p.schedule.trigger.kind, p.overlap]),
    [
      ['daily', 'project', 'manual', 'queue'],
      ['shop', 'source', 'arrival', 'queue'],
      ['shop.sales', 'dataset', 'manual', 'queue'],
      ['shop.returns', 'dataset', 'manual', 'queue'],
    ],
  );
  assert.equal(all['shop']!.datasets, undefined);
});

test('a schedule of a pipeline takes its sources off arrivals; other sources stay on them', async (t) => {
  const all = await pipelines(t, {
    'granary.yaml': `name: test
time_zone: Europe/Berlin
calendars: { retail: { weekend: sunday, holidays: ['12-25', 2026-04-03] } }
pipelines:
  morning: { sources: shop, schedule: { cron: 0 5 * * *, calendar: retail }, concurrency: 2, overlap: replace }
`,
    'sources/shop.yaml': source(),
    'sources/erp.yaml': source('tenant: other'),
  });
  const { morning, shop, erp, daily } = all;
  assert.deepEqual(morning!.sources, ['shop']);
  assert.deepEqual(daily!.sources, ['erp', 'shop']);
  assert.equal(morning!.schedule.timeZone, 'Europe/Berlin');
  assert.deepEqual(morning!.schedule.calendar!.weekend, [0]);
  assert.equal(morning!.schedule.days, 'business');
  assert.deepEqual(
    [morning!.overlap, morning!.concurrency, morning!.tenant, daily!.tenant],
    ['replace', 2, 'main', 'main'],
  );
  assert.deepEqual([shop!.schedule.trigger.kind, erp!.schedule.trigger.kind], ['manual', 'arrival']);
  assert.equal(startsByItself(shop!), false);
});

test('a dataset with a schedule of its own is left out of the arrivals of its source', async (t) => {
  const all = await pipelines(t, { 'sources/shop.yaml': source('', ", schedule: 'every 15 min'") });
  assert.deepEqual(all['shop.sales']!.schedule.trigger, { kind: 'every', seconds: 900 });
  assert.deepEqual([all['shop']!.schedule.trigger.kind, all['shop']!.datasets], ['arrival', ['returns']]);
  assert.equal(all['shop.sales']!.overlap, 'skip');
});

test('schedules are written short or long', async (t) => {
  const kinds: Record<string, unknown> = {
    'every hour': { kind: 'every', seconds: 3600 },
    "'0 5 * * mon-fri'": { kind: 'cron', cron: '0 5 * * mon-fri' },
    arrival: { kind: 'arrival' },
    manual: { kind: 'manual' },
    '{ every: 90 min }': { kind: 'every', seconds: 5400 },
    '{ on: [{ event: table.changed, subject: main.sales }] }': { kind: 'manual' },
  };
  for (const [text, expected] of Object.entries(kinds)) {
    const all = await pipelines(t, { 'sources/shop.yaml': source(`schedule: ${text}`) });
    assert.deepEqual(all['shop']!.schedule.trigger, expected, text);
  }
  const all = await pipelines(t, {
    'sources/shop.yaml': source('schedule: { on: [{ event: run.succeeded, subject: daily }], missed: all }'),
  });
  assert.deepEqual(all['shop']!.on, [{ event: 'run.succeeded', subject: 'daily' }]);
  assert.equal(startsByItself(all['shop']!), true);
});

test('what is wrong with a schedule is told where it stands, with the nearest right spelling', async (t) => {
  const lines = await problemLines(t, {
    'granary.yaml': `name: test
time_zone: Europe/Berln
calendars: { retail: { holidays: [2026-02-30] } }
pipelines:
  shop: { sources: [shp] }
  nightly: { schedule: { cron: 0 5 * * *, calendar: retial } }
`,
    'sources/shop.yaml': source(
      'schedule: { every: 15 min, on: [{ event: table.changed, subject: main.sale }, { event: run.failed }] }',
    ),
  });
  assert.deepEqual(
    lines.map((line) => line.replace(/^(\S+:\d+):\d+/, '$1')),
    [
      'granary.yaml:2 there is no time zone "Europe/Berln" → Europe/Berlin',
      'granary.yaml:3 there is no day 2026-02-30',
      'granary.yaml:5 "shop" is the pipeline of the source "shop": choose another name',
      'granary.yaml:5 there is no source "shp" → shop',
      'granary.yaml:6 there is no calendar "retial"; declared: retail → retail',
      'sources/shop.yaml:2 table.changed is never about "main.sale": there is no such table → main.sales',
      'sources/shop.yaml:2 run.failed of any pipeline would start it after each of its own runs, for ever',
    ],
  );
});

test('a wrong cron expression, two kinds at once, and no kind at all are refused', async (t) => {
  const lineOf = async (schedule: string) =>
    (await problemLines(t, { 'sources/shop.yaml': source(`schedule: ${schedule}`) })).join('\n');
  assert.match(
    await lineOf("'0 25 * * *'"),
    /sources\/shop.yaml:2:\d+ expected a cron expression.*invalid value for hour: 25/,
  );
  assert.match(await lineOf('{ cron: 0 5 * * *, every: 5 min }'), /"cron" and "every" cannot stand together/);
  assert.match(
    await lineOf('{ missed: all }'),
    /nothing starts it: one of cron, every, arrival, manual or on is missing/,
  );
  assert.match(await lineOf('{ every: 0.5 s }'), /whole seconds/);
  assert.match(await lineOf('{ on: [{ event: table.change }] }'), /table\.changed/);
});

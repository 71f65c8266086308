import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorBudgetRules, expectationRules } from './expectations.ts';
import { load, problemLines, salesSource } from './testing.ts';

const root =
  'name: test\ntime_zone: Europe/Berlin\ncalendars: { retail: { time_zone: Europe/Paris, weekend: [sunday] } }\n';

test('a time of day is all that an expectation needs; the rest are defaults', async (t) => {
  const { project } = await load(t, { 'granary.yaml': root, 'sources/shop.yaml': salesSource('expect: 06:00\n') });
  const [rule] = expectationRules(project);
  assert.deepEqual(
    [rule!.when, rule!.days, rule!.timeZone, rule!.toleranceMs, rule!.dated, rule!.files, rule!.volume?.threshold],
    [{ times: ['06:00'] }, 'all', 'Europe/Berlin', 1_800_000, true, 1, 3.5],
  );
});

test('a calendar gives the days and the zone', async (t) => {
  const yaml =
    'expect: { due: ["18:00", "06:00"], calendar: retail, volume: off }\nerror_budget: { objects: 5 %, within: 2 d }\n';
  const { project } = await load(t, { 'granary.yaml': root, 'sources/shop.yaml': salesSource(yaml) });
  const [rule] = expectationRules(project);
  assert.deepEqual(
    [rule!.when, rule!.days, rule!.calendar?.name, rule!.timeZone, rule!.volume],
    [{ times: ['06:00', '18:00'] }, 'business', 'retail', 'Europe/Paris', undefined],
  );
  assert.deepEqual(errorBudgetRules(project), [
    {
      dataset: 'main/shop/sales',
      tenant: 'main',
      objects: { unit: 'percent', count: 5 },
      windowMs: 172_800_000,
    },
  ]);
});

const lines = (t: Parameters<typeof problemLines>[0], yaml: string) =>
  problemLines(t, { 'granary.yaml': root, 'sources/shop.yaml': salesSource(yaml) });

test('what could never hold is said when the project loads, with what was meant', async (t) => {
  const wrong = async (yaml: string, pattern: RegExp) => assert.match((await lines(t, yaml)).join('\n'), pattern, yaml);
  await wrong('expect: { due: "06:00", calendar: retial }\n', /there is no calendar "retial".* → retail/);
  await wrong(
    'expect: { due: "06:00", time_zone: Europe/Berln }\n',
    /there is no time zone "Europe\/Berln" → Europe\/Berlin/,
  );
  await wrong('expect: { due: "06:00", min_rows: 9, max_rows: 3 }\n', /^sources\/shop\.yaml:\d+:\d+ it is more than/);
  await wrong('expect: "6 o\'clock"\n', /expected a time of day such as 06:00/);
  await wrong('expect: { tolerance: 5 min }\n', /"due" is missing/);
  await wrong('expect: { due: "06:00", every: 1 h }\n', /cannot stand together/);
  await wrong('error_budget: { objects: many }\n', /expected a number of objects such as 5, or a share/);
});

test('a dataset that reads the files of another has no expectations of its own', async (t) => {
  const yaml = `${salesSource('')}\n  heads:\n    part_of: sales\n    columns: { sale_id: bigint }\n    expect: "06:00"\n`;
  const found = await problemLines(t, { 'granary.yaml': root, 'sources/shop.yaml': yaml });
  assert.match(found.join('\n'), /files/);
});

/** Reports whose values stand by their position, as the Data API of Google Analytics gives them: the recipe of docs/guide/rest.md. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { LOOPBACK } from './servers/processes.ts';
import { makeProject, queryProject, runProject } from './support/projects.ts';

interface ReportRequest {
  dateRanges: { startDate: string; endDate: string }[];
  dimensions: { name: string }[];
  metrics: { name: string }[];
  limit: number;
  offset: number;
}

/** `usersOf` gives the active users of a country on a day. */
async function reports(t: TestContext, usersOf: (day: string, country: number) => number) {
  const asked: ReportRequest[] = [];
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request)) as ReportRequest;
    if (request.method !== 'POST' || request.url !== '/v1beta/properties/123456:runReport')
      return void response.writeHead(404).end();
    asked.push(body);
    const day = body.dateRanges[0]!.startDate;
    const all = Array.from({ length: 5 }, (_, i) => ({
      dimensionValues: [{ value: `Country ${i}` }, { value: i % 2 === 0 ? 'desktop' : 'mobile' }],
      metricValues: [{ value: String(usersOf(day, i)) }],
    })).filter(({ metricValues }) => metricValues[0]!.value !== '0');
    const rows = all.slice(body.offset, body.offset + body.limit);
    response.setHeader('content-type', 'application/json; charset=UTF-8');
    response.end(
      JSON.stringify({
        dimensionHeaders: body.dimensions,
        metricHeaders: body.metrics.map(({ name }) => ({ name, type: 'TYPE_INTEGER' })),
        ...(rows.length > 0 && { rows }),
        ...(all.length > 0 && { rowCount: all.length }),
        metadata: { currencyCode: 'EUR', timeZone: 'Europe/Berlin' },
        kind: 'analyticsData#runReport',
      }),
    );
  });
  await new Promise<void>((listening) => server.listen(0, LOOPBACK, listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}/v1beta`, asked };
}

test('reports of Google Analytics are read day by day, and days that are counted again replace what was there', async (t) => {
  const today = new Date().toISOString().slice(0, 10);
  let late = 0;
  const { url, asked } = await reports(t, (day, country) =>
    day === today ? 0 : Number(day.slice(8)) + country + late,
  );
  const dir = await makeProject(t, {
    'sources/analytics.yaml': `connector: {type: rest, base: "${url}"}
datasets:
  visitors:
    read:
      path: /properties/123456:runReport
      body:
        dateRanges: [{ startDate: "{from}", endDate: "{from}" }]
        dimensions: [{ name: country }, { name: deviceCategory }]
        metrics: [{ name: activeUsers }]
      records: rows
      records_missing: empty
      total: rowCount
      pagination: { type: offset, size_parameter: limit, size: 3 }
      incremental: { format: date, initial: 3 days, lookback: 3 days, window: 1 day }
    columns:
      date: { type: date, from: $._with.date }
      dimensions: { type: json, from: dimensionValues }
      metrics: { type: json, from: metricValues }
    computed:
      country: dimensions->0->>'value'
      device: dimensions->1->>'value'
      active_users: (metrics->0->>'value')::BIGINT
    drop: [dimensions, metrics]
    load: { strategy: merge, key: [date, country, device] }
`,
  });
  assert.equal((await runProject(dir)).doc.status, 'succeeded');
  const [first] = asked;
  assert.deepEqual(
    [first!.limit, first!.offset, first!.dateRanges[0]!.endDate],
    [3, 0, first!.dateRanges[0]!.startDate],
  );
  const wrong = 'active_users <> day(date) + country[-1:]::INTEGER';
  const counted = `SELECT count(*), count(DISTINCT date), count(*) FILTER (device = 'mobile'), count(*) FILTER (${wrong}) FROM visitors`;
  // Of the day that the test began nothing is counted yet.
  const days = () => new Set(asked.map((a) => a.dateRanges[0]!.startDate).filter((day) => day !== today)).size;
  assert.ok(days() >= 3);
  assert.deepEqual(await queryProject(dir, counted), [[5 * days(), days(), 2 * days(), 0]]);
  late = 100;
  assert.equal((await runProject(dir)).doc.status, 'succeeded');
  assert.deepEqual(await queryProject(dir, 'SELECT count(*), min(active_users) > 100 FROM visitors'), [
    [5 * days(), true],
  ]);
  const books = await queryProject(dir, 'SELECT received > 0, received = loaded, balanced FROM granary.books');
  assert.deepEqual(books, [
    [true, true, true],
    [true, true, true],
  ]);
});

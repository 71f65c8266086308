import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { LOOPBACK } from '../../../../test/servers/processes.ts';
import { parseAll } from '../../../../test/support/extracting.ts';
import { rest } from '../../rest.ts';
import { configOf, open, problemsIn, readOnce, recordsOf } from '../testing.ts';
import { PRESET_NAMES, presetOf } from './presets.ts';

interface Asked {
  url: URL;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A server of one shape, as the service documents it. */
async function serve(
  t: { after(run: () => unknown): void },
  answer: (asked: Asked) => unknown,
): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const one = { url: new URL(request.url!, 'http://localhost'), headers: request.headers, body: await text(request) };
    asked.push(one);
    const body = answer(one);
    response
      .writeHead(body === undefined ? 400 : 200, { 'content-type': 'application/json', date: SERVER_DATE })
      .end(JSON.stringify(body ?? { error: {} }));
  });
  await new Promise<void>((listening) => server.listen(0, LOOPBACK, listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`, asked };
}

const NOW = Date.parse('2026-11-21T12:00:00Z');
const DAY = 86_400;
const SERVER_DATE = new Date(NOW + 2 * DAY * 1000).toUTCString();

test('every endpoint of every preset can be read as it is', () => {
  for (const preset of PRESET_NAMES)
    for (const endpoint of Object.keys(presetOf(preset)!.endpoints))
      assert.deepEqual(problemsIn(endpoint, { preset }), [], endpoint);
});

test('billing: invoices of Stripe, newest first, by the last id; then those of the last weeks and the new ones', async (t) => {
  const invoices = Array.from({ length: 350 }, (_, i) => ({
    id: `in_${i}`,
    object: 'invoice',
    created: NOW / 1000 - (350 - i) * DAY,
    amount_due: 999,
  }));
  const { url, asked } = await serve(t, ({ url, headers }) => {
    if (url.pathname !== '/v1/invoices' || headers.authorization !== 'Bearer sk_test') return undefined;
    const since = Number(url.searchParams.get('created[gte]') ?? 0);
    const all = invoices.filter((i) => i.created >= since).reverse();
    const from = all.findIndex((i) => i.id === url.searchParams.get('starting_after')) + 1;
    const limit = Math.min(100, Number(url.searchParams.get('limit') ?? 10));
    return {
      object: 'list',
      url: '/v1/invoices',
      has_more: from + limit < all.length,
      data: all.slice(from, from + limit),
    };
  });
  const config = { preset: 'stripe', base: `${url}/v1`, auth: { type: 'bearer', token: 'sk_test' } };
  const first = await readOnce({ config, read: 'invoices', now: NOW });
  assert.equal(new Set(recordsOf(first.landed).map((r) => r.id)).size, 350);
  assert.equal(asked.length, 4);
  invoices.push({ id: 'in_new', object: 'invoice', created: NOW / 1000, amount_due: 1 });
  const next = await readOnce({ config, read: { endpoint: 'invoices' }, position: first.extracted.position, now: NOW });
  assert.equal(recordsOf(next.landed).length, 32);
  const { load } = rest.describe(parseAll(rest.read, 'invoices'), configOf(config));
  assert.deepEqual(load, { strategy: 'merge', key: ['id'] });
});

test('CRM: contacts of HubSpot, by a search in windows of the time of their change', async (t) => {
  const contacts = Array.from({ length: 230 }, (_, i) => ({
    id: String(i),
    properties: { email: `${i}@example.com` },
    updatedAt: new Date(NOW - (230 - i) * DAY * 1000).toISOString(),
  }));
  const { url, asked } = await serve(t, ({ url, body }) => {
    if (url.pathname !== '/crm/v3/objects/contacts/search') return undefined;
    const { filterGroups, limit, after } = JSON.parse(body);
    const [from, until] = filterGroups[0].filters.map((f: { value: string }) => Number(f.value));
    const all = contacts
      .filter((c) => Date.parse(c.updatedAt) >= from && Date.parse(c.updatedAt) < until)
      .sort((a, b) => (a.updatedAt < b.updatedAt ? -1 : 1));
    const at = Number(after ?? 0);
    const paging = at + limit < all.length ? { paging: { next: { after: String(at + limit) } } } : {};
    return { total: all.length, results: all.slice(at, at + limit), ...paging };
  });
  const read = {
    endpoint: 'contacts',
    pagination: { type: 'cursor', parameter: 'after', next: 'paging.next.after', size_parameter: 'limit', size: 20 },
  };
  const config = { preset: 'hubspot', base: url, rate: { per_second: 1000 }, auth: { type: 'bearer', token: 'pat-1' } };
  const first = await readOnce({ config, read, now: NOW });
  assert.equal(new Set(recordsOf(first.landed, 'results').map((r) => r.id)).size, 230);
  assert.equal(first.landed!.rows, 230);
  assert.deepEqual(JSON.parse(asked[0]!.body).sorts, [{ propertyName: 'lastmodifieddate', direction: 'ASCENDING' }]);
  contacts[3]!.updatedAt = new Date(NOW + 1000).toISOString();
  const next = await readOnce({ config, read, position: first.extracted.position, now: NOW + 60_000 });
  assert.deepEqual(
    recordsOf(next.landed, 'results').map((r) => r.id),
    ['229', '3'],
  );
});

test('web analytics: reports of Matomo day by day, and its visits', async (t) => {
  const visits = Array.from({ length: 1100 }, (_, i) => ({
    idVisit: i + 1,
    lastActionTimestamp: NOW / 1000 - (1100 - i) * 60,
  }));
  const { url } = await serve(t, ({ url }) => {
    const { method, date, period, idSite, module, format, filter_offset, filter_limit, minTimestamp } =
      Object.fromEntries(url.searchParams);
    if (url.pathname !== '/index.php' || module !== 'API' || format !== 'json' || idSite !== '7') return undefined;
    const page = (all: unknown[]) => all.slice(Number(filter_offset), Number(filter_offset) + Number(filter_limit));
    if (method === 'Actions.getPageUrls' && period === 'day')
      return page([{ label: '/', nb_hits: Number(date!.slice(8)) }]);
    return method === 'Live.getLastVisitsDetails'
      ? page(visits.filter((v) => v.lastActionTimestamp >= Number(minTimestamp ?? 0)))
      : undefined;
  });
  const config = { preset: 'matomo', base: url, query: { idSite: '7' }, auth: { type: 'bearer', token: 'abcd' } };
  const pages = await readOnce({ config, read: 'pages', now: NOW });
  assert.equal(pages.landed!.pages.size, 31);
  assert.equal(
    pages.landed!.pages.get('date=2026-11-21/000001.json'),
    '{"_with":{"date":"2026-11-21"},"page":[{"label":"/","nb_hits":21}]}',
  );
  const again = await readOnce({ config, read: 'pages', position: pages.extracted.position, now: NOW + DAY * 1000 });
  assert.equal(
    [...again.landed!.pages.keys()].join(),
    [18, 19, 20, 21, 22].map((d) => `date=2026-11-${d}/000001.json`).join(),
  );
  const first = await readOnce({ config, read: 'visits', now: NOW });
  assert.equal(new Set(recordsOf(first.landed).map((r) => r['idVisit'])).size, 1100);
});

test('discovery shows the endpoints of a preset, with columns from a page', async (t) => {
  const { url } = await serve(t, () => ({
    has_more: false,
    data: [{ id: 'cus_1', created: 1700000000, address: { city: 'Bonn' }, balance: -250, tags: ['a'] }],
  }));
  const source = await open({ preset: 'stripe', base: url });
  const offers = [];
  for await (const offer of source.offers()) offers.push(offer);
  assert.ok(offers.some((o) => o.name === 'customers' && o.read === 'customers'));
  const { columns, read, key } = await source.propose(offers[0]!);
  assert.deepEqual([read, key], ['customers', ['id']]);
  assert.deepEqual(
    columns.map((c) => [c.name, c.from, c.type]),
    [
      ['id', 'id', 'text'],
      ['created', 'created', 'bigint'],
      ['address_city', 'address.city', 'text'],
      ['balance', 'balance', 'bigint'],
      ['tags', 'tags', 'json'],
    ],
  );
  await source.close();
});

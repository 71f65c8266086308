import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { rejectsWith } from '../../../test/contracts/file-source.ts';
import { contacts, startRestServer } from '../../../test/servers/rest.ts';
import { guessPaging } from './guess.ts';
import { findRecords, inferColumns, parseSample } from './infer.ts';
import { offerOfPath } from './named.ts';
import { listEndpoints } from './openapi.ts';
import { open, problemsIn, readOnce, recordsOf } from './testing.ts';

const DESCRIPTION = `openapi: 3.0.3
paths:
  /customers:
    get:
      summary: All customers
      responses: { "200": { content: { application/json: { schema: { $ref: "#/components/schemas/Customers" } } } } }
  /customers/{customerId}/orders:
    get:
      responses: { "200": { content: { application/json: { schema: { properties: { data: { type: array, items: { $ref: "#/components/schemas/Customer" } } } } } } } }
  /bare:
    get: { responses: { "200": { content: { application/json: { schema: { type: array, items: { allOf: [{ $ref: "#/components/schemas/Customer" }] } } } } } } }
  /status:
    get: { responses: { "200": { content: { application/json: { schema: { type: object } } } } } }
  /import:
    post: {}
components:
  schemas:
    Customer: { type: object, properties: { id: { type: integer } } }
    Customers: { allOf: [{ properties: { meta: {} } }, { properties: { data: { type: array, items: { $ref: "#/components/schemas/Customer" } } } }] }
`;

test('an OpenAPI description shows what can be read, and datasets of it are ready to run', async (t) => {
  const server = await startRestServer(20);
  server.orders.set(1, [{ sku: 'A', qty: 1.5 }]);
  const folder = await mkdtemp(join(tmpdir(), 'granary-openapi-'));
  t.after(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  await writeFile(join(folder, 'api.yaml'), DESCRIPTION);
  const config = { base: server.url, openapi: join(folder, 'api.yaml') };
  const source = await open(config);
  const offers = [];
  for await (const offer of source.offers()) offers.push(offer);
  const child = {
    path: '/customers/{customerId}/orders',
    records: 'data',
    for_each: { path: '/customers', records: 'data', take: { customerId: 'id' } },
  };
  assert.deepEqual(
    offers.map((o) => [o.name, o.kind, o.read]),
    [
      ['customers', 'All customers', { path: '/customers', records: 'data' }],
      ['customers.orders', 'list', child],
      ['bare', 'list', '/bare'],
    ],
  );
  const proposals = await Promise.all(offers.map((o) => source.propose(o)));
  assert.deepEqual(
    proposals[0]!.columns.map((c) => [c.name, c.type, c.required]),
    [
      ['id', 'bigint', true],
      ['name', 'text', false],
      ['updated_at', 'timestamp_tz', false],
      ['balance', 'double', false],
    ],
  );
  assert.deepEqual(proposals[0]!.read, { path: '/customers', records: 'data', key: ['id'] });
  assert.match(proposals[0]!.notes.join(), /updated_at can be a watermark/);
  assert.deepEqual(
    proposals[1]!.columns.map((c) => [c.from, c.type]),
    [
      ['sku', 'text'],
      ['qty', 'decimal(18,2)'],
    ],
  );
  assert.deepEqual(proposals[2]!.read, { path: '/bare', key: ['id'] });
  for (const { read } of proposals) assert.deepEqual(problemsIn(read), []);
  assert.equal(recordsOf((await readOnce({ config, read: proposals[2]!.read })).landed).length, 20);
  await source.close();
});

test('without a description there is nothing to offer, and it is seen whether the server answers', async (t) => {
  const server = await startRestServer();
  t.after(() => server.stop());
  const offersOf = async (config: object) => {
    const source = await open({ base: server.url, retries: { attempts: 1 }, ...config });
    try {
      return await Array.fromAsync(source.offers());
    } finally {
      await source.close();
    }
  };
  assert.deepEqual(await offersOf({}), []);
  server.authorize = () => false;
  await rejectsWith(offersOf({}), 'connector.auth_failed', false);
  await rejectsWith(offersOf({ base: 'http://127.0.0.1:1' }), 'connector.unreachable', true);
});

test('paging is guessed from a first page', async (t) => {
  const server = await startRestServer(200);
  t.after(() => server.stop());
  server.contacts = contacts(200);
  const source = await open({ base: server.url });
  const cases: [string, unknown][] = [
    ['/link', { type: 'link' }],
    ['/next', { type: 'next_url', next: 'meta.next' }],
    ['/cursor', { type: 'cursor', parameter: 'cursor', next: 'meta.next' }],
  ];
  for (const [path, pagination] of cases) {
    const { read } = await source.propose({ name: path, kind: '', rows: undefined, read: path });
    assert.deepEqual(read, { path, records: 'data', key: ['id'], pagination });
    assert.equal(recordsOf((await readOnce({ config: { base: server.url }, read })).landed).length, 200);
  }
  const { read, notes } = await source.propose(offerOfPath('/page?sort=-id')!);
  assert.deepEqual(read, { path: '/page', query: { sort: '-id' }, records: 'data', key: ['id'], total: 'meta.total' });
  assert.match(notes.join(), /has 100 records and tells of 200 in meta.total: give the pagination/);
  await source.close();
});

test('paging is guessed from what an answer says of itself', () => {
  const guess = (text: string) => guessPaging(parseSample(text), undefined, [{ id: 1 }, { id: 2 }]);
  assert.deepEqual(guess('{"has_more":true}')?.pagination, {
    type: 'cursor',
    parameter: 'starting_after',
    last: 'id',
    more: 'has_more',
  });
  assert.deepEqual(guess('{"meta":{"total":50,"offset":0,"limit":2}}'), {
    pagination: { type: 'offset', size_parameter: 'limit', size: 2 },
    total: { path: 'meta.total', records: 50 },
  });
  assert.deepEqual(guess('{"total_count":50,"current_page":1,"per_page":2}')?.pagination, {
    type: 'page',
    size_parameter: 'per_page',
    size: 2,
  });
  assert.deepEqual(guess('{"page":{"size":2,"totalElements":50,"pageNumber":0}}')?.pagination, {
    type: 'page',
    parameter: 'pageNumber',
    first: 0,
    size_parameter: 'size',
    size: 2,
  });
  assert.deepEqual(guess('{"meta":{"total":50}}')?.pagination, undefined);
  for (const nothing of ['{"next":null}', '{"meta":{"total":2,"offset":0,"limit":2}}', '[]', '{"total":"many"}'])
    assert.equal(guess(nothing), undefined, nothing);
});

test('a path that a person names is an offer, and other names are not', () => {
  assert.deepEqual(offerOfPath('/customers/orders'), {
    name: 'customers.orders',
    kind: 'list',
    rows: undefined,
    read: '/customers/orders',
  });
  assert.deepEqual(offerOfPath('/orders?status=all&q=a%3Fb')?.read, {
    path: '/orders',
    query: { status: 'all', q: 'a?b' },
  });
  assert.equal(offerOfPath('orders*'), undefined);
});

test('columns fit all records of the sample', () => {
  const value = parseSample(
    '{"a":{"b":[{"n":1,"m":1,"o":null,"x":{"y":"2026-11-21"},"z":1},{"n":12345678901234567890,"m":0.125,"x":null,"z":"1"}]}}',
  );
  assert.deepEqual(findRecords(value), ['a', 'b']);
  const { columns, key } = inferColumns((value as { a: { b: unknown[] } }).a.b);
  assert.deepEqual(
    columns.map((c) => [c.from, c.type]),
    [
      ['n', 'decimal(38,0)'],
      ['m', 'decimal(18,3)'],
      ['o', 'text'],
      ['x.y', 'date'],
      ['z', 'text'],
    ],
  );
  assert.deepEqual(key, []);
});

test('parameters of a description tell of offsets and numbered pages', () => {
  const pagingOf = (parameters: unknown[]) => {
    const items = { type: 'object' };
    const get = { parameters, responses: { 200: { schema: { type: 'array', items } } } };
    const [endpoint] = listEndpoints({
      paths: { '/a': { parameters: [{ $ref: '#/page' }], get } },
      page: { name: 'lang', in: 'query' },
      limit: { name: 'limit', in: 'query', schema: { type: 'integer', default: 20, maximum: 250 } },
    });
    const { read } = endpoint!;
    assert.deepEqual(problemsIn(read), []);
    return (read as { pagination?: unknown }).pagination;
  };
  const query = (name: string, more: object = {}) => ({ name, in: 'query', ...more });
  assert.deepEqual(pagingOf([query('offset'), { $ref: '#/limit' }]), {
    type: 'offset',
    size_parameter: 'limit',
    size: 250,
  });
  assert.deepEqual(pagingOf([query('page'), query('per_page', { default: 50 })]), {
    type: 'page',
    size_parameter: 'per_page',
    size: 50,
  });
  assert.deepEqual(pagingOf([query('pageNumber', { schema: { minimum: 0 } })]), {
    type: 'page',
    parameter: 'pageNumber',
    first: 0,
  });
  assert.equal(pagingOf([query('page'), query('cursor')]), undefined);
  assert.equal(pagingOf([{ name: 'page', in: 'header' }]), undefined);
  assert.equal(pagingOf([null, 1, {}]), undefined);
});

test('a description that is none has no lists', () => {
  for (const document of [
    undefined,
    null,
    1,
    'a',
    [],
    {},
    { paths: { '/a': { get: { responses: { 200: { $ref: '#/nowhere' } } } } } },
  ])
    assert.deepEqual(listEndpoints(document), []);
});

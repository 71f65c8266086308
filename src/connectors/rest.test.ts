import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { contact, contacts, type RestServer, startRestServer } from '../../test/servers/rest.ts';
import { MemorySink } from '../../test/support/extracting.ts';
import { assertAll, problemsIn, type Read, readOnce, recordsOf } from './rest/testing.ts';

describe('the REST connector', () => {
  let server: RestServer;
  before(async () => {
    server = await startRestServer();
  });
  after(() => server?.stop());
  beforeEach(() => {
    server.contacts = contacts(250);
    server.orders = new Map();
    server.calls = [];
    server.mostAtOnce = 0;
    server.delayMs = 0;
    server.most = 1000;
    server.onPage = () => undefined;
  });
  const read = (dataset: object, more: object = {}): Promise<Read> =>
    readOnce({ config: { base: server.url }, read: { records: 'data', ...dataset }, ...more });

  const sized = { size_parameter: 'limit', size: 30 };
  const ways: [string, string, object | undefined][] = [
    ['numbered pages', '/page', { type: 'page', ...sized }],
    ['numbered pages whose number is told', '/page', { type: 'page', ...sized, pages: 'meta.pages' }],
    ['numbered pages that end with a status', '/page_404', { type: 'page', ...sized, end_statuses: 404 }],
    ['offsets', '/offset', { type: 'offset', ...sized }],
    ['cursors', '/cursor', { type: 'cursor', next: 'meta.next', ...sized }],
    ['cursors in a header', '/cursor_header', { type: 'cursor', next_header: 'X-Next', ...sized }],
    ['links in the header', '/link', { type: 'link', ...sized }],
    ['URLs in the answer', '/next', { type: 'next_url', next: 'meta.next', ...sized }],
  ];
  for (const [name, path, pagination] of ways)
    it(`reads every record once by ${name}`, async () => {
      const { landed, extracted } = await read({ path, pagination, total: 'meta.total' });
      assertAll(landed, 250);
      assert.equal(landed!.rows, 250);
      assert.ok(landed!.complete);
      assert.equal(landed!.pages.size, 9);
      assert.deepEqual([...landed!.pages.keys()].slice(0, 2), ['000001.json', '000002.json']);
      assert.equal(extracted.more, false);
    });

  it('lands pages byte for byte as they came, and says where each came from', async () => {
    server.contacts = contacts(2);
    const { landed } = await read({ path: '/bare', records: '$' });
    const text = [...landed!.pages.values()][0]!;
    assert.match(text, /^\[\{"id":1,.*"balance":1\.12345678901234567\}, \{"id":2,/);
    const line = JSON.parse(landed!.log.split('\n')[0]!);
    assert.deepEqual([line.member, line.url, line.bytes], ['000001.json', '/bare', text.length]);
  });

  it('reads every record where the server gives smaller pages than asked for', async () => {
    server.most = 7;
    for (const pagination of [
      { type: 'page', ...sized },
      { type: 'offset', ...sized },
    ])
      assertAll((await read({ path: pagination.type === 'page' ? '/page' : '/offset', pagination })).landed, 250);
  });

  it('asks for pages ahead, at most so many at once, and lands them in order', async () => {
    server.delayMs = 40;
    const pagination = { type: 'offset', size_parameter: 'limit', size: 10 };
    const config = { base: server.url, rate: { at_once: 3 } };
    const { landed } = await readOnce({
      config,
      read: { path: '/offset', records: 'data', total: 'meta.total', pagination },
    });
    assertAll(landed, 250);
    assert.equal(server.mostAtOnce, 3);
    // The total is known: nothing is asked for behind the end.
    assert.equal(server.calls.length, 25);
  });

  it('reads from the watermark on, from a look-back before it, and keeps the position of what it saw', async () => {
    const dataset = {
      path: '/cursor',
      key: 'id',
      pagination: { type: 'cursor', next: 'meta.next', ...sized },
      incremental: { parameter: 'since', from: 'updated_at', lookback: '3 min' },
    };
    const first = await read(dataset);
    assertAll(first.landed, 250);
    assert.equal(first.landed!.complete, false);
    const { position } = first.extracted;
    const second = await read(dataset, { position });
    assert.deepEqual(
      recordsOf(second.landed).map((r) => r.id),
      [247, 248, 249, 250],
    );
    assert.deepEqual(second.extracted.position, position);
    server.contacts = contacts(100);
    const nothing = await read({ ...dataset, incremental: { ...dataset.incremental, lookback: 0 } }, { position });
    assert.equal(nothing.landed, undefined);
    assert.deepEqual(nothing.extracted.position, position);
    assert.ok((await read(dataset, { position, full: true })).landed!.complete);
  });

  it('says that the watermark is another one now, and reads from the beginning', async () => {
    const incremental = { parameter: 'since', from: 'updated_at' };
    const { extracted } = await read({ path: '/customers', incremental });
    const other = await read(
      { path: '/customers', incremental: { parameter: 'since' } },
      { position: extracted.position },
    );
    assert.equal(recordsOf(other.landed).length, 100);
    assert.match(other.warnings.join(), /watermark of contacts is another one/);
  });

  it('does not let one time in the future hide what comes until then', async () => {
    server.contacts = [...contacts(5), { ...contact(6), updated_at: '2999-01-01T00:00:00.000Z' }];
    const { extracted, warnings } = await read({
      path: '/customers',
      incremental: { parameter: 'since', from: 'updated_at' },
    });
    assert.ok(Number(extracted.position['watermark']) < Date.now() + 3_600_000);
    assert.match(warnings.join(), /2999-01-01T00:00:00.000Z, which lies ahead/);
  });

  it('reads a long time in windows, without a gap between them', async () => {
    const now = Date.parse('2024-01-01T05:00:00Z');
    const dataset = {
      path: '/offset',
      pagination: { type: 'offset', ...sized },
      incremental: {
        parameter: 'since',
        until_parameter: 'until',
        from: 'now',
        initial: '2024-01-01',
        window: '1 hour',
      },
    };
    const { landed, extracted } = await read(dataset, { now });
    assertAll(landed, 250);
    const windows = new Set(server.calls.map((c) => new URL(c.url, server.url).searchParams.get('since')));
    assert.equal(windows.size, 5);
    assert.equal(extracted.position['watermark'], String(now));
  });

  it('reads days one by one, and tells each record its day', async () => {
    const now = Date.parse('2024-03-03T05:00:00Z');
    const dataset = {
      path: '/days',
      records: '$',
      query: { day: '{from}' },
      key: ['_date', 'label'],
      incremental: { format: 'date', initial: '2024-03-01', window: '1 day', lookback: '1 day' },
    };
    const first = await read(dataset, { now });
    assert.deepEqual(
      [...first.landed!.pages],
      [
        [
          'date=2024-03-01/000001.json',
          '{"_with":{"date":"2024-03-01"},"page":[{"label":"a","visits":1},{"label":"b","visits":1}]}',
        ],
        [
          'date=2024-03-02/000001.json',
          '{"_with":{"date":"2024-03-02"},"page":[{"label":"a","visits":2},{"label":"b","visits":1}]}',
        ],
        [
          'date=2024-03-03/000001.json',
          '{"_with":{"date":"2024-03-03"},"page":[{"label":"a","visits":3},{"label":"b","visits":1}]}',
        ],
      ],
    );
    const second = await read(dataset, { now: now + 86_400_000, position: first.extracted.position });
    assert.deepEqual(
      [...second.landed!.pages.keys()],
      ['date=2024-03-02/000001.json', 'date=2024-03-03/000001.json', 'date=2024-03-04/000001.json'],
    );
  });

  it('reads a list for each record of another endpoint, and tells each record whose it is', async () => {
    server.contacts = contacts(25);
    for (let id = 2; id <= 25; id += 2) server.orders.set(id, [{ sku: `A${id}` }, { sku: `B${id}` }]);
    const dataset = {
      path: '/customers/{customer_id}/orders',
      for_each: {
        path: '/page',
        records: 'data',
        pagination: { type: 'page', size_parameter: 'limit', size: 10 },
        take: { customer_id: 'id' },
      },
    };
    const { landed } = await read(dataset);
    assert.equal(landed!.pages.size, 12);
    assert.equal(
      landed!.pages.get('customer_id=24/000001.json'),
      '{"_with":{"customer_id":"24"},"page":{"data":[{"sku":"A24"},{"sku":"B24"}]}}',
    );
  });

  it('lands that there is nothing where everything is read, and nothing where only the new is', async () => {
    server.contacts = [];
    const all = await read({ path: '/page', pagination: { type: 'page' } });
    assert.deepEqual([recordsOf(all.landed), all.landed!.complete], [[], true]);
    const none = await read({
      path: '/customers/{id}/orders',
      for_each: { path: '/page', records: 'data', take: { id: 'id' } },
    });
    assert.deepEqual([...none.landed!.pages.values()], ['{"page":{"data":[]}}']);
    assert.equal((await read({ path: '/page', incremental: { parameter: 'since' } })).landed, undefined);
  });

  it('posts a body in which the watermark, the size and the cursor stand', async () => {
    const dataset = {
      path: '/search',
      method: 'POST',
      body: { from: '{from}', fixed: { list: ['a'] } },
      records: 'results',
      pagination: { type: 'cursor', parameter: 'after', next: 'paging.next.after', size_parameter: 'limit', size: 100 },
      total: 'total',
      incremental: { from: 'updated_at' },
    };
    const { landed, extracted } = await read(dataset);
    assert.equal(recordsOf(landed, 'results').length, 250);
    assert.deepEqual(JSON.parse(server.calls[0]!.body), { fixed: { list: ['a'] }, limit: 100 });
    const next = await read(dataset, { position: extracted.position });
    assert.deepEqual(
      recordsOf(next.landed, 'results').map((r) => r.id),
      [250],
    );
  });

  it('takes CSV and NDJSON as well', async () => {
    const lines = await read({
      path: '/lines',
      records: '$',
      format: 'ndjson',
      incremental: { parameter: 'since', from: 'updated_at' },
    });
    assert.equal([...lines.landed!.pages.values()][0]!.split('\n').length, 250);
    assert.equal(lines.extracted.position['watermark'], String(Date.parse(contact(250).updated_at)));
    const table = await read({ path: '/csv', records: '$', format: 'csv' });
    assert.deepEqual([...table.landed!.pages.keys()], ['000001.csv']);
  });

  it('goes on after a break with the page that comes next, and keeps no secrets for that', async () => {
    for (const [path, pagination] of [
      ['/link', { type: 'link', size_parameter: 'limit', size: 5 }],
      ['/offset', { type: 'offset', size_parameter: 'limit', size: 5 }],
    ] as const) {
      const config = { base: server.url, auth: { type: 'api_key', in: 'query', name: 'key', value: 'secret-4711' } };
      const dataset = { path, records: 'data', pagination, total: 'meta.total' };
      const broken = new MemorySink(3);
      await assert.rejects(readOnce({ config, read: dataset, sink: broken }), /killed after a checkpoint/);
      assert.doesNotMatch(JSON.stringify(broken.progress), /secret/);
      server.calls = [];
      const { landed } = await readOnce({ config, read: dataset, sink: broken.resumed() });
      assertAll(landed, 250);
      assert.equal(landed!.rows, 250);
      assert.ok(server.calls.length <= 22, `${server.calls.length}`);
      assert.doesNotMatch(landed!.log, /secret/);
    }
  });

  it('says what is wrong with a dataset before anything is read', () => {
    const cases: [unknown, RegExp][] = [
      [{}, /path is missing/],
      ['contacts', /the connector has none/],
      ['/a/{id}', /\{id\} is nowhere given/],
      [{ path: '/a', incremental: {} }, /parameter is missing, or \{from\}/],
      [{ path: '/a', incremental: { parameter: 's', window: '1 day' } }, /windows need an initial/],
      [{ path: '/a', incremental: { parameter: 's', window: '1 day', initial: '2024-01-01' } }, /until_parameter/],
      [{ path: '/a', incremental: { parameter: 's', initial: 'soon' } }, /"soon" is no value of the format iso/],
      [{ path: '/a', pagination: { type: 'cursor' } }, /comes from one place/],
      [{ path: '/a', pagination: { type: 'offset', overlap: 1 } }, /overlap needs a key/],
      [{ path: '/a', format: 'csv', key: 'id' }, /csv is not looked into/],
      [{ path: '/a', records: 'a..b' }, /expected a path/],
    ];
    for (const [written, expected] of cases) assert.match(problemsIn(written).join('; '), expected);
    assert.match(
      problemsIn('nonsense', { preset: 'stripe' }).join(),
      /stripe has no endpoint "nonsense"; it has customers/,
    );
  });
});

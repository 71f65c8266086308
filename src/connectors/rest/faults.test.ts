import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { rejectsWith } from '../../../test/contracts/file-source.ts';
import { contact, contacts, type Fault, type RestServer, startRestServer } from '../../../test/servers/rest.ts';
import { assertAll, BY_CURSOR, BY_OFFSET, readOnce, recordsOf } from './testing.ts';

describe('an API that limits, fails and changes', () => {
  let server: RestServer;
  before(async () => {
    server = await startRestServer();
  });
  after(() => server?.stop());
  beforeEach(() => {
    Object.assign(server, {
      contacts: contacts(200),
      calls: [],
      storm: 0,
      retryAfter: '0',
      bucket: undefined,
      authorize: undefined,
      refusal: undefined,
      most: 1000,
    });
    Object.assign(server, { faultOf: () => undefined, onPage: () => undefined });
  });
  const read = (dataset: object, config: object = {}) =>
    readOnce({ config: { base: server.url, ...config }, read: dataset });

  for (const told of ['seconds', 'date', 'headers', 'nothing'] as const)
    it(`is read whole within its limits, told by ${told}`, async () => {
      server.bucket = { size: 8, perSecond: 10, told };
      const { landed } = await read(BY_OFFSET);
      assertAll(landed, 200);
      assert.ok(server.calls.some((c) => c.status === 429));
    });

  it('loses nothing in a storm of refusals, however many attempts are allowed', async () => {
    let pages = 0;
    server.onPage = () => {
      if (++pages === 3) server.storm = 60;
    };
    const { landed } = await read(BY_OFFSET, { retries: { attempts: 1 } });
    assertAll(landed, 200);
    assert.equal(server.calls.filter((c) => c.status === 429).length, 60);
  });

  it('waits where the limit is told with a 403, and does not take another 403 for one', async () => {
    let refusals = 0;
    server.authorize = () => refusals++ !== 3;
    server.refusal = { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' } };
    assertAll((await read(BY_OFFSET)).landed, 200);
    server.authorize = () => false;
    server.refusal = { status: 403, headers: { 'x-ratelimit-remaining': '7', 'x-ratelimit-reset': '1' } };
    await rejectsWith(read(BY_OFFSET), 'connector.denied', false);
  });

  it('gives up where it would have to wait for too long, and may be tried again', async () => {
    server.storm = 1;
    server.retryAfter = '120';
    await rejectsWith(read(BY_OFFSET, { retries: { max_wait: '1 min' } }), 'connector.unavailable', true);
  });

  it('is not asked more often than the configuration allows', async () => {
    server.contacts = contacts(50);
    const began = performance.now();
    assertAll((await read(BY_OFFSET, { rate: { per_second: 20 } })).landed, 50);
    // Five pages, 50 ms between two of them.
    assert.ok(performance.now() - began >= 4 * 50 - 5);
  });

  it('is asked again after every kind of failure, and no page is lost or doubled', async () => {
    const faults: Fault[] = [
      'status_500',
      'cut',
      'half_chunked',
      'long',
      'html',
      'slow',
      'status_503',
      'reset',
      'gzip',
    ];
    server.faultOf = (_, url) => {
      const at = Number(url.searchParams.get('offset')) / 10;
      const asked = server.calls.filter(
        (c) => c.url.includes(`offset=${at * 10}&`) || c.url.endsWith(`offset=${at * 10}`),
      ).length;
      return asked === 1 ? faults[at] : undefined;
    };
    const { landed } = await read(BY_OFFSET);
    assertAll(landed, 200);
    assert.equal(landed!.rows, 200);
  });

  it('is asked again where it says nothing for too long', async () => {
    server.faultOf = (number) => (server.calls.length === 2 && number > 0 ? 'silent' : undefined);
    assertAll((await read(BY_CURSOR, { timeout: '1 s' })).landed, 200);
  });

  it('fails for a passing reason when it goes on failing, and for good when it refuses', async () => {
    server.faultOf = () => 'status_500';
    await rejectsWith(read(BY_CURSOR, { retries: { attempts: 2 } }), 'connector.unavailable', true);
    assert.equal(server.calls.length, 2);
    server.faultOf = () => 'html';
    await rejectsWith(read(BY_CURSOR, { retries: { attempts: 2 } }), 'connector.protocol', false);
    server.faultOf = () => undefined;
    server.authorize = () => false;
    await rejectsWith(read(BY_CURSOR), 'connector.auth_failed', false);
    server.authorize = undefined;
    const error = await read(
      { path: '/none' },
      { query: { key: 'secret-0815' }, auth: { type: 'basic', user: 'me', password: 'pass-0815' } },
    ).then(
      () => assert.fail(),
      (e: Error) => e,
    );
    assert.match(
      error.message,
      /"\/none" does not exist.*HTTP status 404: \{"error":"nothing at \/none for Basic \*\*\*"\}/,
    );
    assert.doesNotMatch(error.message, /0815/);
  });

  it('is not read in circles, nor to where credentials must not go', async () => {
    const cases: [object, RegExp][] = [
      [{ path: '/circle', records: 'data', pagination: { type: 'cursor', next: 'meta.next' } }, /goes in a circle/],
      [
        { path: '/stuck', records: 'data', key: 'id', pagination: { type: 'cursor', next: 'meta.next' } },
        /the same records 3 times in a row/,
      ],
      [{ path: '/customers', records: 'data', pagination: { type: 'page' } }, /the same page twice in a row/],
      [{ ...BY_CURSOR, max_pages: 5 }, /more than 5 pages/],
      [
        { path: '/elsewhere', records: 'data', pagination: { type: 'next_url', next: 'meta.next' } },
        /on another server, 127.0.0.2:9/,
      ],
      [{ path: '/cursor', records: 'items' }, /has no items; where that means "nothing"/],
    ];
    for (const [dataset, expected] of cases) {
      const error = await read(dataset, { retries: { attempts: 1 } }).then(
        () => assert.fail(`${expected}`),
        (e: Error) => e,
      );
      assert.match(error.message, expected);
    }
  });

  it('warns of pages that are not read', async () => {
    server.contacts = contacts(20);
    const { warnings } = await read({ path: '/link', records: 'data', query: { limit: '5' } });
    assert.match(warnings.join(), /no pagination, and the answer of \/link tells of more pages in its header Link/);
    const misspelt = { type: 'cursor', next: 'meta.nxt', size_parameter: 'limit', size: 10 };
    const full = await read({ path: '/cursor', records: 'data', pagination: misspelt });
    assert.match(full.warnings.join(), /the first page of \/cursor is full, with 10 records, and leads to no other/);
  });

  it('is read to its end whatever it says that cannot be', async () => {
    const paged = { type: 'offset', size_parameter: 'limit', size: 50 };
    for (const told of ['-1', '0', '""', '"many"', 'null', '60']) {
      const { landed } = await read({
        path: '/telling',
        query: { told },
        records: 'data',
        key: 'id',
        total: 'told',
        pagination: paged,
      });
      assertAll(landed, 200);
    }
    const pages = { type: 'page', parameter: 'p', size_parameter: 'limit', pages: 'told' };
    const { landed } = await read({
      path: '/page',
      records: 'data',
      pagination: { ...pages, parameter: 'page', pages: 'meta.none' },
    });
    assertAll(landed, 200);
  });

  it('says that an answer is none of what was asked for', async () => {
    const cases: [object, RegExp][] = [
      [
        {
          path: '/said',
          query: { body: '{"result":"error","message":"no such site"}' },
          pagination: { type: 'offset' },
        },
        /is no list: .*no such site/,
      ],
      [
        { path: '/said', query: { body: '<html>Log in', type: 'text/html; charset=utf-8' }, format: 'csv' },
        /is a page of HTML: <html>Log in/,
      ],
      [{ path: '/said', query: { body: '' } }, /is not JSON/],
      [
        { path: '/cursor', records: 'data', pagination: { type: 'cursor', last: 'id', more: 'hasmore' } },
        /has no hasmore, which says whether there are more/,
      ],
    ];
    for (const [dataset, expected] of cases)
      await assert.rejects(read(dataset, { retries: { attempts: 1 } }), {
        code: 'connector.protocol',
        message: expected,
      });
  });

  it('is not led to another endpoint by a value of a record', async () => {
    server.contacts[3] = { ...contact(4), name: '..' };
    const dataset = {
      path: '/customers/{name}/orders',
      records: 'data',
      for_each: { path: '/customers', records: 'data', take: { name: 'name' } },
    };
    await assert.rejects(read(dataset), { code: 'connector.protocol', message: /"\.\." cannot stand in a path/ });
  });

  it('is not taken for whole where one answer has less than it tells of', async () => {
    await assert.rejects(read({ path: '/offset', records: 'data', total: 'meta.total', key: 'id' }), {
      code: 'connector.protocol',
      message: /tells of 200 records, and its one answer has 100/,
      hint: /pagination/,
    });
  });

  it('refuses an answer that is larger than a page may be', async () => {
    await assert.rejects(
      read({ path: '/customers', records: 'data' }, { page_max_bytes: '1 kB' }),
      /larger than 1000 bytes/,
    );
  });

  describe('with records that move while they are read', () => {
    const byPage = {
      path: '/page',
      records: 'data',
      total: 'meta.total',
      pagination: { type: 'page', size_parameter: 'limit', size: 10 },
    };
    const idsOf = (landed: Parameters<typeof recordsOf>[0]) => new Set(recordsOf(landed).map((r) => r.id));
    const removeAtPage = (page: number, ...ids: number[]) => {
      let pages = 0;
      server.onPage = () => {
        if (++pages === page) server.contacts = server.contacts.filter((c) => !ids.includes(c.id));
      };
    };

    it('finds what slipped through where there is a key', async () => {
      removeAtPage(3, 1, 2, 3);
      const { landed } = await read({ ...byPage, key: 'id' });
      const found = idsOf(landed);
      for (const { id } of server.contacts) assert.ok(found.has(id), `${id} is missing`);
      assert.equal(landed!.rows, undefined);
    });

    it('begins anew where there is none', async () => {
      removeAtPage(3, 1, 2, 3);
      await rejectsWith(read(byPage), 'extract.stale', true);
      assertAllOf(await read(byPage));
    });
    const assertAllOf = ({ landed }: Awaited<ReturnType<typeof read>>) =>
      assert.deepEqual(
        [...idsOf(landed)],
        server.contacts.map((c) => c.id),
      );

    it('goes back where pages that overlap do not meet', async () => {
      const overlapping = {
        path: '/offset',
        records: 'data',
        key: 'id',
        pagination: { type: 'offset', size_parameter: 'limit', size: 10, overlap: 2 },
      };
      removeAtPage(4, ...Array.from({ length: 25 }, (_, i) => i + 1));
      const { landed } = await read(overlapping, { rate: { at_once: 1 } });
      const found = idsOf(landed);
      for (const { id } of server.contacts) assert.ok(found.has(id), `${id} is missing`);
      for (const rows of [1, 2, 3, 10, 11]) {
        server.contacts = contacts(rows);
        assert.equal(idsOf((await read(overlapping)).landed).size, rows);
      }
    });

    it('counts records that come twice as one', async () => {
      let pages = 0;
      server.onPage = () => {
        if (++pages < 5) server.contacts.push(contact(200 + pages));
      };
      const { landed } = await read({ ...byPage, path: '/page', query: { sort: '-id' }, key: 'id' });
      for (let id = 1; id <= 200; id++) assert.ok(idsOf(landed).has(id));
      assert.ok(recordsOf(landed).length > idsOf(landed).size);
      assert.equal(landed!.rows, undefined);
    });

    it('gives up for now where everything moves all the time, rather than tell that rows are gone', async () => {
      server.onPage = () => void server.contacts.shift();
      await rejectsWith(read({ ...byPage, key: 'id' }), 'connector.changed', true);
      server.contacts = contacts(200);
      const { warnings } = await read({
        ...byPage,
        key: 'id',
        incremental: { parameter: 'since', from: 'updated_at' },
      });
      assert.match(warnings.join(), /records may be missing until they change again/);
    });
  });
});

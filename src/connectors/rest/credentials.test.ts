import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { rejectsWith } from '../../../test/contracts/file-source.ts';
import { contacts, type RestServer, startRestServer } from '../../../test/servers/rest.ts';
import { CLIENT } from '../../../test/servers/rest-api.ts';
import { assertAll, BY_CURSOR, BY_OFFSET, readOnce } from './testing.ts';

async function newDataDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'granary-tokens-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

describe('an API that asks who is there', () => {
  let server: RestServer;
  before(async () => {
    server = await startRestServer();
  });
  after(() => server?.stop());
  beforeEach(() => {
    Object.assign(server, { contacts: contacts(200), calls: [], authorize: undefined, delayMs: 0 });
    Object.assign(server, { toldLife: undefined, faultOf: () => undefined });
    Object.assign(server, { tokenSeconds: 3600, rotates: false, refresh: CLIENT.refresh, onPage: () => undefined });
    server.tokens.clear();
  });
  const read = (dataset: object, config: object = {}) =>
    readOnce({ config: { base: server.url, ...config }, read: dataset });

  const bearers = new Set<string>();
  const oauth = (more: object = {}) => ({
    auth: {
      type: 'oauth2',
      token_url: `${server.url}/oauth/token`,
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
      ...more,
    },
  });
  const demandTokens = () => {
    server.authorize = ({ headers }) => {
      const token = headers.authorization?.replace('Bearer ', '') ?? '';
      bearers.add(token);
      return (server.tokens.get(token) ?? 0) > Date.now();
    };
  };

  it('takes a user and a password, a key in a header, and a key in the query', async () => {
    const cases: [object, RestServer['authorize']][] = [
      [{ type: 'basic', user: 'me', password: 'pass' }, (r) => r.headers.authorization === `Basic ${btoa('me:pass')}`],
      [{ type: 'api_key', name: 'X-Key', value: 'k4711' }, (r) => r.headers['x-key'] === 'k4711'],
      [
        { type: 'api_key', name: 'key', value: 'k4711', in: 'query' },
        (_, url) => url.searchParams.get('key') === 'k4711',
      ],
    ];
    for (const [auth, authorize] of cases) {
      server.authorize = authorize;
      assertAll((await read(BY_OFFSET, { auth })).landed, 200);
    }
  });

  it('waits where the server of the tokens limits, and asks again where it fails', async () => {
    demandTokens();
    server.storm = 5;
    assertAll((await read(BY_OFFSET, { ...oauth(), retries: { attempts: 1 } })).landed, 200);
    server.faultOf = (_, url) => {
      const asked = server.calls.filter((c) => c.url === '/oauth/token').length;
      return url.pathname === '/oauth/token' ? (['status_503', 'cut', 'gzip'] as const)[asked - 1] : undefined;
    };
    server.calls = [];
    assertAll((await read(BY_OFFSET, oauth())).landed, 200);
    assert.equal(server.calls.filter((c) => c.url === '/oauth/token').length, 3);
    server.faultOf = () => 'html';
    await rejectsWith(read(BY_OFFSET, oauth()), 'connector.protocol', false);
  });

  it('does not ask for a token each time where its life is told in a way that cannot be', async () => {
    demandTokens();
    for (const told of ['soon', 0, -1, null]) {
      server.toldLife = told;
      server.tokens.clear();
      assertAll((await read(BY_OFFSET, oauth())).landed, 200);
      assert.equal(server.tokens.size, 1);
    }
  });

  it('sends neither a token nor the secret of a client to where it is redirected', async (t) => {
    const other = await startRestServer(20);
    t.after(() => other.stop());
    const { landed } = await read(
      { path: `/moved/${encodeURIComponent(`${other.url}/customers`)}`, records: 'data' },
      { auth: { type: 'bearer', token: 'token-0815' }, headers: { 'X-Team': 'team-0815-0815' } },
    );
    assertAll(landed, 20);
    const moved = oauth({ token_url: `${server.url}/moved/${encodeURIComponent(`${other.url}/oauth/token`)}` });
    await assert.rejects(read(BY_OFFSET, moved), { code: 'connector.protocol' });
    server.authorize = undefined;
    assert.equal(other.calls.length, 1);
    assert.doesNotMatch(JSON.stringify(other.calls), /0815|authorization/i);
  });

  it('gets one token for all requests, and another one when the server refuses it', async () => {
    demandTokens();
    let pages = 0;
    server.onPage = () => {
      if (++pages === 7) for (const token of server.tokens.keys()) server.tokens.set(token, 0);
    };
    assertAll((await read(BY_OFFSET, oauth())).landed, 200);
    assert.equal(server.tokens.size, 2);
  });

  it('gets a new token before the old one expires, by a refresh token too', async () => {
    demandTokens();
    server.tokenSeconds = 0.4;
    server.delayMs = 60;
    for (const more of [{ client_in: 'header' }, { refresh_token: CLIENT.refresh }]) {
      server.tokens.clear();
      server.calls = [];
      assertAll((await read(BY_CURSOR, oauth(more))).landed, 200);
      assert.ok(server.tokens.size > 2);
      assert.ok(
        [...server.tokens.keys()].every((t) =>
          t.endsWith('refresh_token' in more ? 'refresh_token' : 'client_credentials'),
        ),
      );
    }
    server.delayMs = 0;
  });

  it('keeps a refresh token that changes each time, for later readers and for those at the same time', async (t) => {
    demandTokens();
    server.rotates = true;
    const dataDir = await newDataDir(t);
    const config = { base: server.url, ...oauth({ refresh_token: CLIENT.refresh }) };
    const readKept = () => readOnce({ config, read: BY_OFFSET, dataDir });
    assertAll((await readKept()).landed, 200);
    // The access token is kept as well.
    assertAll((await readKept()).landed, 200);
    assert.equal(server.tokens.size, 1);
    let pages = 0;
    server.onPage = () => {
      if (++pages % 13 === 0) for (const token of server.tokens.keys()) server.tokens.set(token, 0);
    };
    for (const { landed, warnings } of await Promise.all([readKept(), readKept(), readKept()])) {
      assertAll(landed, 200);
      assert.deepEqual(warnings, []);
    }
    assert.ok(server.tokens.size > 2);
    const given = [CLIENT.refresh, server.refresh!, ...server.tokens.keys()];
    for (const file of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const path = join(file.parentPath, file.name);
      const bytes = await readFile(path, 'latin1');
      for (const secret of given) assert.ok(!bytes.includes(secret) && !path.includes(secret), secret);
      assert.equal((await stat(path)).mode & 0o077, 0);
    }
  });

  it('waits for a renewal that goes on before it is closed, and keeps what it gave', async (t) => {
    demandTokens();
    server.rotates = true;
    server.faultOf = (_, url) => (url.pathname === '/oauth/token' ? 'slow' : undefined);
    const dataDir = await newDataDir(t);
    const config = { base: server.url, retries: { attempts: 1 }, ...oauth({ refresh_token: CLIENT.refresh }) };
    const stop = new AbortController();
    const stopped = readOnce({ config, read: BY_OFFSET, dataDir, signal: stop.signal });
    while (server.calls.length === 0) await delay(5);
    stop.abort();
    await assert.rejects(stopped);
    assert.notEqual(server.refresh, CLIENT.refresh);
    assertAll((await readOnce({ config, read: BY_OFFSET, dataDir })).landed, 200);
  });

  it('says what to do where the refresh token that was kept is of no use any more, and begins with a new one', async (t) => {
    demandTokens();
    server.rotates = true;
    const dataDir = await newDataDir(t);
    const readKept = (refresh: string) =>
      readOnce({
        config: { base: server.url, retries: { attempts: 1 }, ...oauth({ refresh_token: refresh }) },
        read: BY_OFFSET,
        dataDir,
      });
    await readKept(CLIENT.refresh);
    Object.assign(server, { refresh: 'authorised-again' });
    for (const token of server.tokens.keys()) server.tokens.set(token, 0);
    await assert.rejects(readKept(CLIENT.refresh), {
      code: 'connector.auth_failed',
      transient: false,
      hint: /authorise again, and put the new one into the secrets/,
    });
    server.refresh = 'authorised-again';
    assertAll((await readKept('authorised-again')).landed, 200);
    assertAll((await readKept('authorised-again')).landed, 200);
  });

  it('says that a refresh token which changes each time is of no use later, where it cannot be kept', async () => {
    demandTokens();
    server.rotates = true;
    const { warnings } = await read(BY_OFFSET, oauth({ refresh_token: CLIENT.refresh }));
    assert.match(warnings.join(), /gives out a new refresh token each time, and there is no data directory/);
    await rejectsWith(read(BY_OFFSET, oauth({ client_secret: 'wrong' })), 'connector.auth_failed', false);
  });
});

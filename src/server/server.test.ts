import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { GranaryError } from '../lib/errors.ts';
import { API_TOKENS } from '../model/api-tokens.ts';
import { open, RUN, testApi } from './testing.ts';

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

test('the socket of the data directory can be opened by its owner only, and needs no token', async (t) => {
  const { dir, ask, server } = await testApi(t);
  assert.equal(server.addresses.socket, join(dir, 'api.sock'));
  assert.equal(statSync(server.addresses.socket!).mode & 0o777, 0o600);
  assert.equal(statSync(join(dir, 'owner.token')).mode & 0o777, 0o600);
  assert.equal(statSync(join(dir, 'owner.api.json')).mode & 0o777, 0o600);
  assert.equal((await ask('GET', '/v1/status')).json.project, 'test');
});

test('on TCP every request but health and readiness needs a token, also on this machine', async (t) => {
  const { ask, ownerToken } = await testApi(t);
  const refused = await ask('GET', '/v1/status', { tcp: true });
  assert.equal(refused.status, 401);
  assert.equal(refused.headers['www-authenticate'], 'Bearer realm="granary"');
  assert.equal(refused.headers['content-type'], 'application/problem+json');
  assert.equal(refused.json.code, 'api.unauthorized');
  assert.equal((await ask('GET', '/metrics', { tcp: true })).status, 401);
  assert.deepEqual((await ask('GET', '/health', { tcp: true })).json, { alive: true });
  assert.deepEqual((await ask('GET', '/ready', { tcp: true })).json, { ready: true });
  assert.equal((await ask('GET', '/v1/status', { tcp: true, ...bearer(await ownerToken()) })).status, 200);
  assert.equal((await ask('GET', '/v1/status', { tcp: true, ...bearer('gra_owner_wrong') })).status, 401);
  assert.equal((await ask('GET', '/health', { tcp: true, ...bearer('gra_owner_wrong') })).status, 401);
});

test('a token allows what its scopes say and no more, and nothing once it is revoked', async (t) => {
  const { ask, state } = await testApi(t);
  const made = await ask('POST', '/v1/tokens', { body: { name: 'prometheus', scopes: ['read'] } });
  assert.equal(made.status, 201);
  const { id, token } = made.json;
  const as = { tcp: true, ...bearer(token) };
  assert.equal((await ask('GET', '/metrics', as)).status, 200);
  const start = await ask('POST', '/v1/runs', {
    ...as,
    body: {},
    headers: { ...as.headers, 'content-type': 'application/json' },
  });
  assert.deepEqual([start.status, start.json.code], [403, 'api.forbidden']);
  const rows = await ask('POST', '/v1/query', { ...as, body: { sql: 'SELECT 1' } });
  assert.equal(rows.status, 403, 'figures are not rows');
  assert.equal((await ask('GET', '/v1/tokens', as)).status, 403);
  const stored = JSON.stringify(await state.get(API_TOKENS, id));
  assert.ok(!stored.includes(token.split('_')[2]), 'the state store has the hash only');
  const [listed] = (await ask('GET', '/v1/tokens')).json;
  assert.equal(listed.hash, undefined);
  assert.match(listed.lastUsedAt, /^20/);
  assert.equal((await ask('POST', '/v1/tokens', { body: { name: 'prometheus', scopes: [] } })).status, 409);
  assert.equal((await ask('DELETE', '/v1/tokens/prometheus')).status, 200);
  assert.equal((await ask('GET', '/metrics', as)).status, 401);
  assert.equal((await ask('DELETE', '/v1/tokens/prometheus')).status, 404);
});

test('a token that is shown on the socket is checked like on TCP', async (t) => {
  const { ask } = await testApi(t);
  const { token } = (await ask('POST', '/v1/tokens', { body: { name: 'reader', scopes: ['read'] } })).json;
  assert.equal((await ask('POST', '/v1/runs', { body: {}, ...bearer(token) })).status, 403);
});

test('a request that names another host is refused, so that no page in a browser can reach the server by a name of its own', async (t) => {
  const { ask, ownerToken } = await testApi(t, { hosts: ['granary.example.com'] });
  const as = async (host: string) => {
    const headers = { host, authorization: `Bearer ${await ownerToken()}` };
    return ask('GET', '/v1/status', { tcp: true, headers });
  };
  const refused = await as('evil.example.com');
  assert.deepEqual([refused.status, refused.json.code], [421, 'api.host']);
  assert.equal((await as('evil.example.com:4180')).status, 421);
  assert.equal((await as('localhost.evil.example.com')).status, 421);
  for (const host of ['localhost:4180', '127.0.0.1', '[::1]:1', 'Granary.example.com'])
    assert.equal((await as(host)).status, 200, host);
});

test('answers carry no headers that let pages of other origins read them', async (t) => {
  const { ask, ownerToken } = await testApi(t);
  const headers = { origin: 'https://evil.example.com', authorization: `Bearer ${await ownerToken()}` };
  const answer = await ask('GET', '/v1/status', { tcp: true, headers });
  assert.deepEqual(
    Object.keys(answer.headers).filter((h) => h.startsWith('access-control')),
    [],
  );
  assert.equal((await ask('OPTIONS', '/v1/status', { tcp: true, headers })).status, 405);
});

test('an address that other machines can reach is refused unless it is meant', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'granary-api-'));
  await assert.rejects(testApi(t, { dataDir: dir, listen: '0.0.0.0:0' }), (e: GranaryError) => {
    assert.equal(e.code, 'api.listen');
    assert.match(e.hint!, /expose/);
    return true;
  });
  assert.ok(!existsSync(join(dir, 'owner.token')));
});

test('an exposed server answers at its address, with a token', async (t) => {
  const { ask, ownerToken, server } = await testApi(t, { listen: '0.0.0.0:0', expose: true });
  const { port } = new URL(server.addresses.tcp!);
  const headers = { host: `127.0.0.1:${port}`, authorization: `Bearer ${await ownerToken()}` };
  assert.equal((await ask('GET', '/v1/status', { tcp: true, headers })).status, 200);
  assert.equal((await ask('GET', '/v1/status', { tcp: true, headers: { host: headers.host } })).status, 401);
});

test('a place that is taken is told, and leaves nothing behind', async (t) => {
  const first = await testApi(t);
  const dir = await mkdtemp(join(tmpdir(), 'granary-api-'));
  const listen = new URL(first.server.addresses.tcp!).host;
  await assert.rejects(testApi(t, { dataDir: dir, listen }), { code: 'api.listen' });
  assert.ok(!existsSync(join(dir, 'owner.api.json')) && !existsSync(join(dir, 'api.sock')));
});

test('a data directory whose path is too long for a socket is served on TCP with the token of the owner', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), `granary-api-${'long-'.repeat(20)}`));
  const { server, ask, ownerToken } = await testApi(t, { dataDir: dir, listen: undefined });
  assert.equal(server.addresses.socket, undefined);
  assert.equal((await ask('GET', '/v1/status', { tcp: true, ...bearer(await ownerToken()) })).status, 200);
});

test('a body that is not as described is refused with everything that is wrong', async (t) => {
  const { ask, asked } = await testApi(t);
  const answer = await ask('POST', '/v1/runs', {
    body: { pipelin: 'daily', sources: ['shop', 3], skipCollect: 'yes' },
  });
  assert.equal(answer.status, 400);
  assert.deepEqual(
    answer.json.errors.map((e: { pointer: string }) => e.pointer),
    ['/pipelin', '/sources/1', '/skipCollect'],
  );
  assert.match(answer.json.errors[0].detail, /known: pipeline/);
  assert.equal(
    (await ask('POST', '/v1/runs', { raw: '{', headers: { 'content-type': 'application/json' } })).status,
    400,
  );
  assert.equal((await ask('POST', '/v1/runs', { raw: '{}', headers: { 'content-type': 'text/plain' } })).status, 415);
  assert.equal((await ask('GET', '/v1/runs?limit=none')).status, 400);
  assert.equal((await ask('GET', '/v1/runs?limit=0')).status, 400);
  assert.equal((await ask('GET', '/v1/expectations?date=yesterday')).status, 400);
  assert.deepEqual(asked, []);
});

test('a body that is too large is refused whether or not it says its length', async (t) => {
  const { ask, server } = await testApi(t);
  const large = JSON.stringify({ sql: 'x'.repeat(3 * 2 ** 20) });
  const headers = { 'content-type': 'application/json' };
  assert.equal((await ask('POST', '/v1/query', { raw: large, headers })).status, 413);
  const answer = await ask('POST', '/v1/query', {
    raw: large,
    headers: { ...headers, 'transfer-encoding': 'chunked' },
  }).catch((e: NodeJS.ErrnoException) => e.code);
  if (typeof answer === 'object') assert.equal(answer.status, 413);
  else assert.ok(['EPIPE', 'ECONNRESET'].includes(answer!), 'or the connection is closed while it is still sent');
  assert.equal((await open(server, 'GET', '/health')).statusCode, 200);
});

test('unknown paths, methods and broken encodings are problems with a hint', async (t) => {
  const { ask } = await testApi(t);
  assert.deepEqual((await ask('GET', '/v1/nothing')).json, {
    type: 'urn:granary:error:api.not_found',
    title: 'There is nothing under this path or name.',
    status: 404,
    detail: 'There is no /v1/nothing.',
    code: 'api.not_found',
    transient: false,
    hint: '/openapi.json describes what there is.',
  });
  const wrong = await ask('DELETE', '/v1/runs');
  assert.deepEqual([wrong.status, wrong.headers['allow']], [405, 'GET,POST']);
  assert.equal((await ask('GET', '/v1/runs/%E0%A4%A')).status, 400);
  assert.equal((await ask('GET', '/v1/runs/none')).status, 404);
  assert.equal((await ask('HEAD', '/health')).text, '');
});

test('an error that nobody foresaw is 500, told without its stack, and logged', async (t) => {
  const broken = async () => {
    throw new TypeError('x is not a function');
  };
  const { ask, lines } = await testApi(t, {}, { status: broken });
  const answer = await ask('GET', '/v1/status');
  assert.deepEqual([answer.status, answer.json.code], [500, 'internal']);
  assert.ok(!answer.text.includes('.ts'));
  const line = lines.find((l) => l.level === 'error')!;
  assert.deepEqual([line.message, line['code'], line['by']], ['GET /v1/status 500', 'internal', 'owner']);
  assert.equal(line['request'], answer.headers['x-request-id']);
});

test('a client that sends half a request is answered and does not keep others waiting', async (t) => {
  const { server, ask } = await testApi(t);
  const socket = connect(server.addresses.socket!);
  socket.write('GET /health HTTP/1.1\r\nHost: x');
  await once(socket, 'connect');
  assert.equal((await ask('GET', '/health')).status, 200);
  socket.write('\r\nbad header\r\n\r\n');
  const [answer] = await once(socket, 'data');
  assert.match(String(answer), /^HTTP\/1\.1 400 /);
  socket.destroy();
});

test('a server that closes ends its streams, lets answers end, and takes its notes with it', async (t) => {
  const slow = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const { server, ask, dir, events } = await testApi(
    t,
    {},
    {
      readiness: async () => {
        asked.resolve();
        await slow.promise;
        return { ready: false, reasons: ['closing'] };
      },
    },
  );
  await ask('POST', '/v1/runs', { body: {} });
  events.add(RUN.id, { type: 'retry', what: 'x', error: new GranaryError('internal', 'x').toJSON(), attempt: 1 });
  const stream = await open(server, 'GET', `/v1/runs/${RUN.id}/events`);
  const answer = ask('GET', '/ready');
  await asked.promise;
  const closed = server.close();
  assert.match(await text(stream), /event: retry/);
  slow.resolve();
  assert.deepEqual([(await answer).status, (await answer).json.reasons], [503, ['closing']]);
  await closed;
  for (const file of ['owner.token', 'owner.api.json', 'api.sock']) assert.ok(!existsSync(join(dir, file)), file);
  await assert.rejects(ask('GET', '/health'));
});

test('what was left by a server that was killed is no hindrance', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'granary-api-'));
  const script = `require('net').createServer().listen(${JSON.stringify(join(dir, 'api.sock'))}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  assert.ok(existsSync(join(dir, 'api.sock')));
  const { ask } = await testApi(t, { dataDir: dir });
  assert.equal((await ask('GET', '/health')).status, 200);
  assert.equal(JSON.parse(readFileSync(join(dir, 'owner.api.json'), 'utf8')).socket, join(dir, 'api.sock'));
});

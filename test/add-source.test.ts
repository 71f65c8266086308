/** `granary add source` at a real terminal: what it asks, what it writes, and what becomes of wrong answers. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { sampleProject } from './cli.ts';
import { atTerminal, ptyMissing } from './support/pty.ts';

const skip = ptyMissing();
const test = (name: string, run: (t: TestContext) => Promise<void>) => it(name, { skip, timeout: 180_000 }, run);

const FILES: Record<string, string> = {
  '/': '<a href="orders_20261119.csv">o</a> <a href="orders_20261120.csv">o</a> <a href="stock.csv">s</a>',
  '/empty/': '<p>nothing</p>',
  '/orders_20261119.csv': 'order_id,amount\n1,2.50\n2,3.00\n',
  '/orders_20261120.csv': 'order_id,amount\n3,2.50\n4,3.00\n',
  '/stock.csv': 'sku,quantity\na,1\nb,2\n',
};

/** Files behind a user and a password. */
async function webServer(t: TestContext): Promise<string> {
  const server = createServer((request, response) => {
    const wanted = `Basic ${Buffer.from('shop:right horse').toString('base64')}`;
    if (request.headers.authorization !== wanted) return void response.writeHead(401).end();
    const text = FILES[request.url!];
    if (text === undefined) return void response.writeHead(404).end();
    response.writeHead(200, {
      'content-type': request.url!.endsWith('/') ? 'text/html' : 'text/csv',
      'content-length': Buffer.byteLength(text),
      'last-modified': 'Thu, 19 Nov 2026 08:00:00 GMT',
    });
    response.end(request.method === 'HEAD' ? undefined : text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a folder becomes a source: what is chosen of it is written, and runs', async (t) => {
  const sh = await sampleProject(t);
  await sh.file('drop/orders_20261119.csv', 'order_id,amount\n1,2.50\n2,3.00\n');
  await sh.file('drop/stock.csv', 'sku,quantity\na,1\nb,2\n');
  const typist = atTerminal(t, sh.dir, 'add', 'source');
  await typist.answer('Number or name', 'foldr');
  await typist.answer('Did you mean folder?', '1');
  await typist.answer('Enter: folder', 'stores');
  await typist.answer('is there already', '');
  await typist.answer('path (', '');
  await typist.answer('It is needed.', 'drop');
  await typist.answer('Which?', '7');
  await typist.answer('is not within 1 to 2', 'orders*');
  const { code, screen } = await typist.ended();
  assert.equal(code, 0, screen);
  assert.match(screen, /Written to .*folder\.yaml.*granary check && granary run/s);
  const yaml = await readFile(join(sh.dir, 'sources/folder.yaml'), 'utf8');
  assert.match(yaml, /files: orders_\{date:yyyyMMdd\}\.csv/);
  assert.doesNotMatch(yaml, /stock/);
  const check = await sh.granary('check');
  assert.equal(check.code, 0, check.stderr);
});

test('a wrong host and a wrong password are asked for again; the right one is stored as a secret and never shown', async (t) => {
  const base = await webServer(t);
  const sh = await sampleProject(t);
  const typist = atTerminal(t, sh.dir, 'add', 'source');
  await typist.answer('Number or name', 'http');
  await typist.answer('Enter: http', 'web');
  await typist.answer('url (', 'ftp://nonsense');
  await typist.answer('expected', 'http://127.0.0.1:9/');
  await typist.answer('user (', 'shop');
  await typist.answer('password (', 'wrong horse');
  await typist.answer('bearer_token (', '');
  await typist.answer('Further settings', 'tmeout');
  await typist.answer('Did you mean timeout?', 'timeout');
  await typist.answer('timeout (', '5 s');
  await typist.answer('What is changed?', '');
  await typist.answer('url (', `${base}/`);
  await typist.answer('What is changed?', '');
  await typist.answer('user (', '');
  await typist.answer('password (', 'right horse');
  await typist.answer('Which?', '');
  const { code, screen } = await typist.ended();
  assert.equal(code, 0, screen);
  assert.doesNotMatch(screen, /horse/);
  const yaml = await readFile(join(sh.dir, 'sources/web.yaml'), 'utf8');
  assert.match(yaml, /password: \$\{secret:WEB_PASSWORD\}/);
  assert.match(yaml, /user: shop\n/);
  assert.match(yaml, /orders_\{date:yyyyMMdd\}\.csv.*stock\.csv/s);
  assert.deepEqual((await sh.granary('secrets', 'list', '--json')).stdout.match(/WEB_\w+/g), ['WEB_PASSWORD']);
  const check = await sh.granary('check', '--connect');
  assert.equal(check.code, 0, check.stderr + check.stdout);
});

test('where nothing is offered something else can be tried; what is given up leaves no file and no secret', async (t) => {
  const base = await webServer(t);
  const sh = await sampleProject(t);
  const typist = atTerminal(t, sh.dir, 'add', 'source');
  await typist.answer('Number or name', 'http');
  await typist.answer('Enter: http', '');
  await typist.answer('url (', `${base}/empty/`);
  await typist.answer('user (', 'shop');
  await typist.answer('password (', 'right horse');
  await typist.answer('bearer_token (', '');
  await typist.answer('Further settings', '');
  await typist.answer(/The source has no files there.*What is changed\?/s, 'stop');
  const { code, screen } = await typist.ended();
  assert.equal(code, 1, screen);
  assert.deepEqual(readdirSync(join(sh.dir, 'sources')), ['stores.yaml']);
  assert.doesNotMatch((await sh.granary('secrets', 'list')).stdout, /HTTP/);
});

test('Ctrl-C ends it at any question, and nothing is written', async (t) => {
  const sh = await sampleProject(t);
  const typist = atTerminal(t, sh.dir, 'add', 'source');
  await typist.answer('Number or name', 'ftp');
  await typist.answer('Enter: ftp', '');
  await typist.answer('host (', 'ftp.example.com');
  await typist.answer('user (', 'shop');
  await typist.keys('password (', '\u0003');
  const { code, screen } = await typist.ended();
  assert.equal(code, 130, screen);
  assert.ok(!existsSync(join(sh.dir, 'sources/ftp.yaml')));
});

/** An API behind a token, with its own description. */
async function api(t: TestContext): Promise<string> {
  const one = (name: string) => ({
    get: {
      operationId: name,
      responses: {
        200: {
          description: 'A list.',
          content: {
            'application/json': {
              schema: {
                type: 'array',
                items: { type: 'object', properties: { id: { type: 'integer' }, name: { type: 'string' } } },
              },
            },
          },
        },
      },
    },
  });
  const openapi = {
    openapi: '3.0.0',
    info: { title: 'crm', version: '1' },
    paths: { '/contacts': one('contacts'), '/deals': one('deals') },
  };
  const server = createServer((request, response) => {
    if (request.url === '/openapi.json') return void response.end(JSON.stringify(openapi));
    if (request.headers.authorization !== 'Bearer right-token') return void response.writeHead(401).end('{}');
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify([{ id: 1, name: 'Ada' }]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('endpoints of an API are offered and chosen; a token inside a setting is stored as a secret too', async (t) => {
  const base = await api(t);
  const sh = await sampleProject(t);
  await sh.file('token.txt', 'right-token\n');
  const typist = atTerminal(t, sh.dir, 'add', 'source');
  await typist.answer('Number or name', 'rest');
  await typist.answer('Enter: rest', 'crm');
  await typist.answer('Further settings', 'base auth openapi');
  await typist.answer('base (', base);
  await typist.answer('auth (', 'bearr');
  await typist.answer('One of bearer', 'bearer');
  await typist.answer('auth.token (', '@token.txt');
  await typist.answer('openapi (', `${base}/openapi.json`);
  await typist.answer(/contacts.*deals.*Which/s, '*contacts');
  const { code, screen } = await typist.ended();
  assert.equal(code, 0, screen);
  assert.doesNotMatch(screen, /right-token/);
  const yaml = await readFile(join(sh.dir, 'sources/crm.yaml'), 'utf8');
  assert.match(yaml, /token: \$\{secret:CRM_AUTH_TOKEN\}/);
  assert.match(yaml, /contacts/);
  assert.doesNotMatch(yaml, /deals/);
  const check = await sh.granary('check');
  assert.equal(check.code, 0, check.stderr);
});

test('an API without a description is asked for the paths that a person names', async (t) => {
  const base = await api(t);
  const sh = await sampleProject(t);
  await sh.file('token.txt', 'right-token\n');
  const typist = atTerminal(t, sh.dir, 'add', 'source');
  await typist.answer('Number or name', 'rest');
  await typist.answer('Enter: rest', 'crm');
  await typist.answer('Further settings', 'base auth');
  await typist.answer('base (', base);
  await typist.answer('auth (', 'bearer');
  await typist.answer('auth.token (', '@token.txt');
  await typist.answer(/does not say what it has.*Which paths/s, 'contacts');
  await typist.answer(/"contacts" is no path.*Which paths/s, '/contacts /deals?status=open');
  const { code, screen } = await typist.ended();
  assert.equal(code, 0, screen);
  const yaml = await readFile(join(sh.dir, 'sources/crm.yaml'), 'utf8');
  assert.match(yaml, /contacts:.*path: \/contacts.*deals:.*status: open/s);
  const check = await sh.granary('check');
  assert.equal(check.code, 0, check.stderr);
});

it('without a terminal it says which command asks nothing', async (t) => {
  const sh = await sampleProject(t);
  const { code, stderr } = await sh.granary('add', 'source');
  assert.equal(code, 2);
  assert.match(stderr, /no terminal.*granary discover/s);
});

/** A project that reads an API, through all stages. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { contact, contacts, startRestServer } from './servers/rest.ts';
import { CLIENT } from './servers/rest-api.ts';
import { makeProject, queryProject, runProject } from './support/projects.ts';

const BALANCED =
  'SELECT dataset, received, loaded, deduplicated, rejected, balanced FROM granary.books ORDER BY object_id';

test('an API is read page by page into a table, and later only what is new', async (t) => {
  const server = await startRestServer(1234);
  t.after(() => server.stop());
  server.authorize = (request) => request.headers.authorization === 'Bearer token-0815';
  const dir = await makeProject(t, {
    'sources/crm.yaml': `connector: {type: rest, base: "${server.url}", auth: {type: bearer, token: token-0815}}
datasets:
  contacts:
    read:
      path: /cursor
      records: data
      key: [id]
      pagination: {type: cursor, next: meta.next, size_parameter: limit}
      incremental: {parameter: since, from: updated_at}
    columns:
      id: {type: bigint, required: true}
      name: text
      balance: decimal(25,17)
      changed_at: {type: timestamp_tz, from: updated_at}
`,
  });
  const first = await runProject(dir);
  assert.equal(first.doc.status, 'succeeded', JSON.stringify(first.doc.errors));
  assert.deepEqual(
    await queryProject(dir, 'SELECT count(*), count(DISTINCT id), sum(balance)::VARCHAR FROM contacts'),
    [[1234, 1234, '762147.34567764123455678']],
  );
  const [[member, line]] = (await queryProject(dir, 'SELECT _member, _line FROM contacts WHERE id = 250')) as [
    [string, number],
  ];
  assert.deepEqual([member, line], ['000003.json', 50]);

  server.contacts.push(contact(1235));
  server.contacts[9] = { ...server.contacts[9]!, name: 'Renamed', updated_at: contact(1236).updated_at };
  const calls = server.calls.length;
  assert.equal((await runProject(dir)).doc.status, 'succeeded');
  assert.deepEqual(await queryProject(dir, "SELECT count(*), count(*) FILTER (name = 'Renamed') FROM contacts"), [
    [1235, 1],
  ]);
  assert.equal(server.calls.length, calls + 1);
  const books = await queryProject(dir, BALANCED);
  assert.equal(books.length, 2);
  assert.ok(books.every((b) => b.at(-1) === true));
});

test('a refresh token that changes at each use is kept from run to run, and stands nowhere in clear', async (t) => {
  const server = await startRestServer(25);
  t.after(() => server.stop());
  server.rotates = true;
  server.authorize = ({ headers }) =>
    (server.tokens.get(headers.authorization?.replace('Bearer ', '') ?? '') ?? 0) > Date.now();
  const auth = `{type: oauth2, token_url: "${server.url}/oauth/token", client_id: ${CLIENT.id}, client_secret: ${CLIENT.secret}, refresh_token: ${CLIENT.refresh}}`;
  const dir = await makeProject(t, {
    'sources/crm.yaml': `connector: {type: rest, base: "${server.url}", auth: ${auth}}
datasets:
  contacts: {read: {path: /customers, records: data}, columns: {id: bigint}}
  others: {read: {path: /bare}, columns: {id: bigint}}
`,
  });
  for (let run = 1; run <= 3; run++) {
    const { doc } = await runProject(dir);
    assert.equal(doc.status, 'succeeded', JSON.stringify(doc.errors));
    for (const token of server.tokens.keys()) server.tokens.set(token, 0);
  }
  assert.ok(server.tokens.size >= 3);
  assert.deepEqual(await queryProject(dir, 'SELECT count(*) FROM contacts'), [[25]]);
  const given = [CLIENT.secret, CLIENT.refresh, server.refresh!, ...server.tokens.keys()];
  for (const entry of await readdir(join(dir, '.granary'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name), 'latin1');
    for (const secret of given) assert.ok(!bytes.includes(secret), `${secret} in ${entry.name}`);
  }
});

const source = (url: string, dataset: string) => `connector: {type: rest, base: "${url}", rate: {at_once: 2}}
datasets:
${dataset}`;

const WHOLE = `  contacts:
    read:
      path: /offset
      records: data
      total: meta.total
      pagination: {type: offset, size_parameter: limit, size: 10}
    columns: {id: bigint, name: text}
`;

test('a process that is killed while it reads an API goes on with the next page, and nothing is lost or doubled', async (t) => {
  const server = await startRestServer(400);
  t.after(() => server.stop());
  const dir = await makeProject(t, { 'sources/crm.yaml': source(server.url, WHOLE) });
  for (const pages of [15, 34]) {
    server.delayMs = 50;
    const child = spawn(process.execPath, [new URL('./support/run-child.ts', import.meta.url).pathname, dir], {
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    const seen = server.calls.length;
    for (let i = 0; i < 2400 && server.calls.length < Math.max(seen + 12, pages) && child.exitCode === null; i++)
      await delay(25);
    assert.equal(child.exitCode, null, 'it ended before it could be killed');
    child.kill('SIGKILL');
    await ended;
  }
  server.delayMs = 0;
  server.storm = 5;
  const { doc } = await runProject(dir);
  assert.equal(doc.status, 'succeeded', JSON.stringify(doc.errors));
  assert.deepEqual(await queryProject(dir, 'SELECT count(*), count(DISTINCT id), max(id) FROM contacts'), [
    [400, 400, 400],
  ]);
  // The run that was killed is carried on with, and then the new one reads everything again.
  const books = await queryProject(dir, 'SELECT received, loaded, declared_rows, balanced FROM granary.books');
  assert.deepEqual(
    books,
    books.map(() => [400, 400, 400, true]),
  );
  const answered = server.calls.filter((c) => c.status === 200).length;
  // A break costs the pages since the last checkpoint and those asked for ahead.
  assert.ok(answered < 40 * books.length + 2 * 13, `${40 * books.length} pages took ${answered} answers`);
});

test('records that are gone from an API leave the table, and lists for each record say whose they are', async (t) => {
  const server = await startRestServer(30);
  t.after(() => server.stop());
  for (const { id } of server.contacts)
    server.orders.set(id, [
      { line: 1, sku: `A${id}` },
      { line: 2, sku: `B${id}` },
    ]);
  const dir = await makeProject(t, {
    'sources/crm.yaml': source(
      server.url,
      `  orders:
    read:
      path: /customers/{customer}/orders
      records: data
      key: [_customer, line]
      for_each:
        path: /page
        records: data
        pagination: {type: page, size_parameter: limit, size: 7}
        take: {customer: id}
    columns: {customer: {type: bigint, from: $._with.customer}, line: integer, sku: text}
${WHOLE}`,
    ),
  });
  const first = await runProject(dir);
  assert.equal(first.doc.status, 'succeeded', JSON.stringify(first.doc.errors));
  assert.deepEqual(
    await queryProject(
      dir,
      "SELECT count(*), count(*) FILTER (sku = CASE line WHEN 1 THEN 'A' ELSE 'B' END || customer) FROM orders",
    ),
    [[60, 60]],
  );
  server.contacts = contacts(28);
  server.orders.set(5, [{ line: 2, sku: 'new' }]);
  assert.equal((await runProject(dir)).doc.status, 'succeeded');
  assert.deepEqual(
    await queryProject(dir, 'SELECT count(*), count(*) FILTER (customer = 5), max(customer) FROM orders'),
    [[55, 1, 28]],
  );
  assert.deepEqual(await queryProject(dir, 'SELECT count(*) FROM contacts'), [[28]]);
  server.contacts = [];
  assert.equal((await runProject(dir)).doc.status, 'succeeded');
  assert.deepEqual(await queryProject(dir, 'SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM contacts)'), [
    [0, 0],
  ]);
  assert.ok((await queryProject(dir, 'SELECT balanced FROM granary.books')).every(([b]) => b === true));
});

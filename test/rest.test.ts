/** A project that reads an API, through all stages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contact, startRestServer } from './servers/rest.ts';
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

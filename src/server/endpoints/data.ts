/** Rows, books and where rows came from; tokens. */
import { redact } from '../../lib/redact.ts';
import { SCOPES } from '../../model/api-tokens.ts';
import type { QueryResult } from '../../ports/warehouse.ts';
import { type Endpoint, endpoint, json, listOf, ref } from '../endpoint.ts';
import { problemOf } from '../problem.ts';
import { j } from '../schema.ts';

export const DATA_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/v1/query',
    id: 'query',
    summary: 'Run one statement that reads',
    description:
      'Lines of JSON: first `{"columns": [{"name", "type"}]}`, then one array a row, last `{"end": {"rows", "truncated"}}`. An answer without that last line is not complete; when the query breaks the last line is `{"error": Problem}`. Large integers, decimals, dates and times are text.',
    tag: 'Data',
    scope: 'query',
    body: j.object({
      sql: j.text('The statement.', { minLength: 1, maxLength: 1_000_000 }),
      maxRows: j.optional(j.integer('Stop after so many rows.', { minimum: 1 })),
    }),
    answer: { kind: 'stream', contentType: 'application/x-ndjson', description: 'Rows.' },
    async handle({ body, signal }, { operations }) {
      const { sql, maxRows } = body;
      const result = await operations.query(sql, { signal, ...(maxRows !== undefined && { maxRows }) });
      return startedLines(result);
    },
  }),
  endpoint({
    method: 'GET',
    path: '/v1/books',
    id: 'listBooks',
    summary: 'The books: received = loaded + filtered + deduplicated + rejected',
    tag: 'Data',
    scope: 'read',
    query: j.object({
      run: j.optional(j.text('Only of this run; `last` for the latest.')),
      datasets: j.optional(j.list(j.text('`source` or `source.dataset`.'), 'Only of these datasets.')),
      object: j.optional(j.text('Only of the object with this id.')),
      unbalanced: j.optional(j.flag('Only what does not balance, or differs from what the sender declared.')),
      all: j.optional(j.flag('Also entries that replays and newer files have taken the place of.')),
    }),
    answer: listOf('BooksEntry', 'The entries.'),
    handle: ({ query }, { operations }) => operations.books(query),
  }),
  endpoint({
    method: 'GET',
    path: '/v1/trace',
    id: 'trace',
    summary: 'From a row of a table to the file and line it came from',
    tag: 'Data',
    scope: 'query',
    query: j.object({
      table: j.text('`name` or `schema.name`.', { minLength: 1 }),
      key: j.list(j.text('`column=value`, or a bare value.'), 'The row.'),
    }),
    answer: listOf('TracedRow', 'Rows with these values, at most 100.'),
    handle: ({ query }, { operations }) => operations.trace(query.table, query.key),
  }),
];

/** Errors of the statement itself are thrown, not part of the answer: the query starts with its first batch. */
async function startedLines(result: QueryResult): Promise<AsyncIterable<string>> {
  const batches = result.batches[Symbol.asyncIterator]();
  let next = await batches.next();
  return (async function* () {
    try {
      yield `${JSON.stringify({ columns: result.columns })}\n`;
      let rows = 0;
      for (; !next.done; next = await batches.next()) {
        rows += next.value.length;
        if (next.value.length > 0) yield next.value.map((row) => `${JSON.stringify(row)}\n`).join('');
      }
      yield `${JSON.stringify({ end: { rows, truncated: result.truncated() } })}\n`;
    } catch (e) {
      yield `${redact(JSON.stringify({ error: problemOf(e) }))}\n`;
    } finally {
      await batches.return?.();
    }
  })();
}

export const TOKEN_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/v1/tokens',
    id: 'listTokens',
    summary: 'Tokens, without their secrets',
    tag: 'Tokens',
    scope: 'admin',
    answer: listOf('Token', 'The tokens.'),
    handle: (_, { tokens }) => tokens.list(),
  }),
  endpoint({
    method: 'POST',
    path: '/v1/tokens',
    id: 'createToken',
    summary: 'Make a token',
    description: 'Its secret is in this answer and nowhere else.',
    tag: 'Tokens',
    scope: 'admin',
    body: j.object({
      name: j.text('Whose it is.', { pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }),
      scopes: j.list(j.choice(SCOPES, 'What it allows.'), 'What it allows.'),
    }),
    answer: json(ref('NewToken'), 'The token.'),
    status: 201,
    handle: ({ body, by }, { tokens }) => tokens.create(body.name, body.scopes, by),
  }),
  endpoint({
    method: 'DELETE',
    path: '/v1/tokens/{id}',
    id: 'revokeToken',
    summary: 'Revoke a token',
    tag: 'Tokens',
    scope: 'admin',
    parameters: { id: 'Id or name of the token.' },
    answer: json(ref('Token'), 'It is not valid any more.'),
    handle: ({ path }, { tokens }) => tokens.revoke(path['id']!),
  }),
];

/** What the API of the test server answers: one list in every way of paging, children of records, tokens, and the shapes of known services. */
import type { IncomingMessage } from 'node:http';

export interface Record_ {
  id: number;
  name: string;
  /** Sent as a number. */
  balance: string;
  updated_at: string;
}

export interface Api {
  url: string;
  contacts: Record_[];
  /** By the id of a contact. */
  orders: Map<number, unknown[]>;
  /** Access tokens and when they expire. */
  tokens: Map<string, number>;
  tokenSeconds: number;
  /** What is told of that instead. */
  toldLife: unknown;
  /** A refresh token is of use once: with a new one it is void, as all access tokens are. One that is used again voids them all. */
  rotates: boolean;
  /** The refresh token that is of use; undefined: none any more. */
  refresh: string | undefined;
  /** Makes cursors. */
  asked: number;
  /** The largest page the server gives. */
  most: number;
}

export interface ApiAnswer {
  /** 200 when not given. */
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** The body as text. */
  raw?: string;
}

interface Asked {
  method: string;
  url: URL;
  headers: IncomingMessage['headers'];
  body: string;
}

export function answerOf(api: Api, asked: Asked): ApiAnswer {
  const { url, body } = asked;
  const path = url.pathname;
  if (path === '/oauth/token') return tokenFor(api, asked);
  const orders = /^\/customers\/([^/]+)\/orders$/.exec(path);
  if (orders) return { body: { data: api.orders.get(Number(orders[1])) ?? [] } };
  // `/moved/` and where to.
  if (path.startsWith('/moved/'))
    return { status: 307, headers: { location: decodeURIComponent(path.slice(7)) }, body: {} };
  const rows = wanted(api, url);
  const size = Math.min(Number(url.searchParams.get('limit') ?? 100), api.most);
  const list = (from: number, more: object = {}, headers: Record<string, string> = {}): ApiAnswer => ({
    raw: `{"meta":${JSON.stringify({ total: rows.length, pages: Math.ceil(rows.length / size), ...more })},"data":${rowsText(rows.slice(from, from + size))}}`,
    headers,
  });
  const number = (name: string, other: number) => Number(url.searchParams.get(name) ?? other);
  switch (path) {
    case '/customers':
      return list(0);
    case '/page':
      return list((number('page', 1) - 1) * size);
    case '/page_404': {
      const from = (number('page', 1) - 1) * size;
      return from > 0 && from >= rows.length ? { status: 404, body: { error: 'no such page' } } : list(from);
    }
    case '/offset':
      return list(number('offset', 0));
    case '/bare':
      return { raw: rowsText(rows.slice(number('offset', 0), number('offset', 0) + size)) };
    case '/cursor': {
      const from = after(rows, url.searchParams.get('cursor'));
      return list(from, { next: from + size < rows.length ? cursorOf(rows[from + size - 1]!) : null });
    }
    case '/circle':
      return list(0, { next: 'again' });
    // The first page for ever, each time with a cursor of its own.
    // What is told besides: `{"total":-1}`.
    case '/telling':
      return {
        raw: `{"told":${url.searchParams.get('told')},"data":${rowsText(rows.slice(number('offset', 0), number('offset', 0) + size))}}`,
      };
    case '/said':
      return {
        raw: url.searchParams.get('body')!,
        headers: { 'content-type': url.searchParams.get('type') ?? 'application/json' },
      };
    case '/stuck':
      return list(0, { next: `after ${api.asked++}` });
    case '/cursor_header': {
      const from = after(rows, url.searchParams.get('cursor'));
      return list(from, {}, from + size < rows.length ? { 'x-next': cursorOf(rows[from + size - 1]!) } : {});
    }
    case '/link': {
      const from = number('from', 0);
      const target = `${api.url}/link?limit=${size}&from=${from + size}&key=${url.searchParams.get('key') ?? ''}`;
      const links = `<${api.url}/link?from=0>; rel="first"${from + size < rows.length ? `, <${target}>; rel="next"; title="a, b"` : ''}`;
      return list(from, {}, { link: links });
    }
    case '/next': {
      const from = number('from', 0);
      return list(from, { next: from + size < rows.length ? `?from=${from + size}&limit=${size}` : '' });
    }
    case '/elsewhere':
      return list(0, { next: 'http://127.0.0.2:9/next' });
    case '/lines':
      return { raw: rows.map(rowText).join('\n'), headers: { 'content-type': 'application/x-ndjson' } };
    case '/csv':
      return {
        raw: `id,name\n${rows.map((r) => `${r.id},${r.name}\n`).join('')}`,
        headers: { 'content-type': 'text/csv' },
      };
    case '/days': {
      const day = url.searchParams.get('day')!;
      return {
        body: [
          { label: 'a', visits: Number(day.slice(8)) },
          { label: 'b', visits: 1 },
        ],
      };
    }
    case '/search': {
      const { from, limit, after: cursor } = JSON.parse(body) as { from?: string; limit?: number; after?: string };
      const found = rows.filter((r) => from === undefined || r.updated_at >= from);
      const at = after(found, cursor ?? null);
      const page = found.slice(at, at + limit!);
      const next = at + limit! < found.length ? { next: { after: cursorOf(page.at(-1)!) } } : undefined;
      return { raw: `{"total":${found.length},"results":${rowsText(page)},"paging":${JSON.stringify(next ?? null)}}` };
    }
    default:
      return { status: 404, body: { error: `nothing at ${path} for ${asked.headers.authorization}` } };
  }
}

/** `since` is inclusive, `until` is not. */
function wanted({ contacts }: Api, url: URL): Record_[] {
  const [since, until] = [url.searchParams.get('since'), url.searchParams.get('until')];
  const rows = contacts.filter(
    (r) => (since === null || r.updated_at >= since) && (until === null || r.updated_at < until),
  );
  const sort = url.searchParams.get('sort');
  if (sort === 'updated_at')
    rows.sort((a, b) => (a.updated_at < b.updated_at ? -1 : a.updated_at > b.updated_at ? 1 : a.id - b.id));
  if (sort === '-id') rows.sort((a, b) => b.id - a.id);
  return rows;
}

const rowText = ({ balance, ...rest }: Record_): string => `${JSON.stringify(rest).slice(0, -1)},"balance":${balance}}`;
const rowsText = (rows: readonly Record_[]): string => `[${rows.map(rowText).join(', ')}]`;

const cursorOf = ({ id }: Record_): string => Buffer.from(`after ${id}`).toString('base64');

function after(rows: readonly Record_[], cursor: string | null): number {
  if (cursor === null) return 0;
  const id = Number(Buffer.from(cursor, 'base64').toString().slice(6));
  return rows.findIndex((r) => r.id === id) + 1;
}

export const CLIENT = { id: 'granary', secret: 'client secret', refresh: 'refresh-0815' };

function tokenFor(api: Api, { headers, body }: Asked): ApiAnswer {
  const form = new URLSearchParams(body);
  const basic = Buffer.from((headers.authorization ?? '').replace('Basic ', ''), 'base64').toString();
  const [id, secret] = form.has('client_id')
    ? [form.get('client_id'), form.get('client_secret')]
    : basic.split(':').map(decodeURIComponent);
  const grant = form.get('grant_type');
  const isKnown = id === CLIENT.id && secret === CLIENT.secret;
  if (!isKnown) return { status: 400, body: { error: 'invalid_client' } };
  if (grant === 'refresh_token' && (api.refresh === undefined || form.get('refresh_token') !== api.refresh)) {
    if (api.rotates) api.refresh = undefined;
    return { status: 400, body: { error: 'invalid_grant' } };
  }
  const token = `token-${api.tokens.size + 1}-of-${grant}`;
  if (api.rotates) {
    for (const old of api.tokens.keys()) api.tokens.set(old, 0);
    api.refresh = `refresh-of-${token}`;
  }
  api.tokens.set(token, Date.now() + api.tokenSeconds * 1000);
  return {
    status: 200,
    body: {
      access_token: token,
      token_type: 'Bearer',
      expires_in: api.toldLife ?? api.tokenSeconds,
      ...(api.rotates && { refresh_token: api.refresh }),
    },
  };
}

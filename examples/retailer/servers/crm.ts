/** The API of the CRM: contacts in the order of their numbers, ten a page, for whoever has the token. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Contact } from '../generate/company.ts';

const PAGE = 10;

export interface Crm {
  url: string;
  /** Answers so far, by status. */
  answered: Map<number, number>;
  /** The next question for a second or later page is answered by 429: too many requests, come back in a second. */
  refuseNextPage(): void;
  close(): Promise<void>;
}

/** Serves the contacts as they are when they are asked for. */
export async function startCrm(contacts: readonly Contact[], token: string): Promise<Crm> {
  const answered = new Map<number, number>();
  let refusals = 0;
  const answer = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) => {
    answered.set(status, (answered.get(status) ?? 0) + 1);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
  const server = createServer((request: IncomingMessage, response) => {
    const url = new URL(request.url!, 'http://crm');
    if (request.headers.authorization !== `Bearer ${token}`) return answer(response, 401, { error: 'who are you?' });
    if (url.pathname !== '/v1/contacts') return answer(response, 404, { error: `nothing at ${url.pathname}` });
    const cursor = url.searchParams.get('cursor');
    if (cursor !== null && refusals > 0) {
      refusals--;
      return answer(response, 429, { error: 'too many requests' }, { 'retry-after': '1' });
    }
    answer(response, 200, page(contacts, url.searchParams.get('updated_since'), cursor));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answered,
    refuseNextPage: () => {
      refusals = 1;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A cursor says which number was the last one, in a form that nobody reads. */
function page(contacts: readonly Contact[], since: string | null, cursor: string | null) {
  const after = cursor === null ? 0 : Number(Buffer.from(cursor, 'base64url').toString());
  const wanted = contacts.filter((c) => c.id > after && (since === null || c.updatedAt >= new Date(since)));
  const data = wanted.slice(0, PAGE).map(({ id, name, email, phone, card, segment, city, updatedAt }) => ({
    id,
    name,
    email,
    phone,
    loyalty: { card, segment },
    address: { city, country: 'DE' },
    updated_at: updatedAt.toISOString(),
  }));
  const next = wanted.length > PAGE ? Buffer.from(String(data.at(-1)!.id)).toString('base64url') : null;
  return { data, meta: { next } };
}

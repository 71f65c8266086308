/** A receiver of messages that can be taken down: then connections break before anything was taken. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  /** Of the idempotency key. */
  key: string;
  /** Simulated time, ISO 8601. */
  at: string;
  kind: string;
  title: string;
  severity: string;
  /** Of what it tells: the incident, if there is one. */
  incident: string | null;
  /** Of its events: `expectation.late of main/shop/sales`. */
  about: string[];
}

export interface Webhook {
  url: string;
  received: Received[];
  /** Attempts that broke while it was down. */
  broken: number;
  down: boolean;
  close(): Promise<void>;
}

/** `now`: simulated time, ISO 8601. */
export async function startWebhook(now: () => string): Promise<Webhook> {
  const server = createServer((request, response) => {
    if (self.down) {
      self.broken++;
      request.socket.destroy();
      return;
    }
    const parts: Buffer[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(parts).toString('utf8'));
      const happenings = body.happenings as { type: string; subject: string }[];
      self.received.push({
        key: String(request.headers['idempotency-key']),
        at: now(),
        kind: body.kind,
        title: body.title,
        severity: body.severity,
        incident: body.incident,
        about: happenings.map((h) => `${h.type} of ${h.subject}`),
      });
      response.end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const self: Webhook = {
    url: `http://127.0.0.1:${port}/hook`,
    received: [],
    broken: 0,
    down: false,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

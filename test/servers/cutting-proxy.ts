/** A TCP proxy of ours in front of a real server, which breaks the line. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { LOOPBACK, PROXY_ADDRESS } from './processes.ts';

export interface CuttingProxy {
  /** Address of the proxy; its ports are those of the server. */
  host: string;
  /** From now on: after so many bytes from the server, every connection breaks, once; then all passes again. */
  cutAfter(bytes: number): void;
  /** From now on what the server says no longer arrives, and no connection is closed. */
  goSilent(): void;
  stop(): Promise<void>;
}

/** Listens on 127.0.0.2 with the port numbers of the server on 127.0.0.1, so that FTP's announced ports lead through it too. */
export async function startCuttingProxy(ports: number[]): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let remaining = Number.POSITIVE_INFINITY;
  let silent = false;

  const breakAll = () => {
    remaining = Number.POSITIVE_INFINITY;
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const join = (client: Socket, port: number) => {
    const server = connect(port, LOOPBACK);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroySoon();
      });
    }
    client.pipe(server);
    server.on('data', (chunk) => {
      if (silent) return;
      remaining -= chunk.length;
      if (remaining <= 0) breakAll();
      else if (!client.write(chunk)) {
        server.pause();
        client.once('drain', () => server.resume());
      }
    });
    server.on('end', () => client.end());
  };

  const servers = await Promise.all(
    ports.map(
      (port) =>
        new Promise<Server>((listening, failed) => {
          const server = createServer((client) => join(client, port));
          server.once('error', failed);
          server.listen(port, PROXY_ADDRESS, () => listening(server));
        }),
    ),
  );
  return {
    host: PROXY_ADDRESS,
    cutAfter(bytes) {
      remaining = bytes;
    },
    goSilent() {
      silent = true;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
    },
  };
}

/** A small mail server for the demo: takes every message, delivers none, and writes them into a folder. RFC 5321, on loopback. */
import { mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Mail, readMail } from './message.ts';

export interface MailCatcher {
  port: number;
  /** In the order in which they came. */
  mails: readonly Mail[];
  /** Closes every connection. */
  close(): Promise<void>;
}

export interface MailCatcherOptions {
  /** Each message is written there as `01.eml`, and its HTML as `01.html`. Made when it is not there. */
  folder: string;
  /** 0 for any that is free. */
  port: number;
}

const HOST = '127.0.0.1';

/** Errors: those of `listen`, such as EADDRINUSE. */
export async function startMailCatcher({ folder, port }: MailCatcherOptions): Promise<MailCatcher> {
  await mkdir(folder, { recursive: true });
  const mails: Mail[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    void converse(socket, async (source) => {
      const mail = readMail(source);
      const path = join(folder, String(mails.push(mail)).padStart(2, '0'));
      await writeFile(`${path}.eml`, source, 'latin1');
      await writeFile(`${path}.html`, mail.html);
    });
  });
  await listen(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, resolve);
  });
}

/** One connection. `take` is given each message as it came, byte by byte in Latin-1; what it has taken is acknowledged. */
async function converse(socket: Socket, take: (source: string) => Promise<void>): Promise<void> {
  const reply = (text: string) => socket.write(`${text}\r\n`);
  let message: string[] | undefined;
  reply('220 Marlow post room');
  // Latin-1 keeps every byte as it is.
  for await (const line of createInterface({ input: socket.setEncoding('latin1') })) {
    if (message && line === '.') {
      await take(`${message.join('\r\n')}\r\n`);
      message = undefined;
      reply('250 Taken');
    } else if (message) message.push(line.startsWith('.') ? line.slice(1) : line);
    else if (/^DATA$/i.test(line)) {
      message = [];
      reply('354 Go on, and end with a dot');
    } else if (/^(EHLO|HELO) /i.test(line)) reply('250 Marlow');
    else if (/^(MAIL FROM|RCPT TO):|^(RSET|NOOP)\b/i.test(line)) reply('250 Fine');
    else if (/^QUIT$/i.test(line)) socket.end('221 Goodbye\r\n');
    else reply('502 This server only takes mail');
  }
}

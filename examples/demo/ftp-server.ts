/**
 * A small FTP server, read only, for the demo: one user, passive transfers on loopback, restarts; and it fails when it is told to. RFC 959, 2428
 * (EPSV), 3659 (MLSD, SIZE, MDTM, REST).
 */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join, posix } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';

export interface FtpServerOptions {
  /** Served as `/`. */
  root: string;
  user: string;
  password: string;
  /** 0 for any that is free. */
  port: number;
}

/** `cut`: half of what was asked for is sent, then the line is dead. `busy`: reply 421, and nothing. */
export type Trouble = 'cut' | 'busy';

export interface FtpServer {
  port: number;
  /** What happens to the next downloads of the files of this name, one after the other. Those that follow are well. */
  troubles: Map<string, Trouble[]>;
  /** Names of files that are listed and that nobody may read. */
  forbidden: Set<string>;
  /** Closes every connection. */
  close(): Promise<void>;
}

type Faults = Pick<FtpServer, 'troubles' | 'forbidden'>;

const HOST = '127.0.0.1';

/** Errors: those of `listen`, such as EADDRINUSE. */
export async function startFtpServer(options: FtpServerOptions): Promise<FtpServer> {
  const sessions = new Set<FtpSession>();
  const faults: Faults = { troubles: new Map(), forbidden: new Set() };
  const server = createServer((socket) => {
    const session = new FtpSession(socket, options, faults);
    sessions.add(session);
    socket.once('close', () => sessions.delete(session));
  });
  const port = await listen(server, options.port);
  return {
    port,
    ...faults,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const session of sessions) session.close();
      await closed;
    },
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, () => resolve((server.address() as AddressInfo).port));
  });
}

/** One control connection. Commands are answered one after the other. */
class FtpSession {
  readonly #socket: Socket;
  readonly #options: FtpServerOptions;
  readonly #faults: Faults;
  #folder = '/';
  #user = '';
  #loggedIn = false;
  /** Where the next RETR begins. */
  #restart = 0;
  #passive: { server: Server; data: Promise<Socket> } | undefined;

  constructor(socket: Socket, options: FtpServerOptions, faults: Faults) {
    this.#socket = socket;
    this.#options = options;
    this.#faults = faults;
    socket.on('error', () => this.close());
    socket.once('close', () => this.#passive?.server.close());
    this.#reply(220, 'Marlow file exchange');
    void this.#serve();
  }

  close(): void {
    this.#passive?.server.close();
    this.#socket.destroy();
  }

  async #serve(): Promise<void> {
    for await (const line of createInterface({ input: this.#socket })) {
      const [word = '', ...rest] = line.split(' ');
      try {
        await this.#execute(word.toUpperCase(), rest.join(' '));
      } catch (e) {
        const missing = (e as NodeJS.ErrnoException).code === 'ENOENT';
        this.#reply(missing ? 550 : 451, missing ? 'No such file or folder' : 'The request could not be completed');
      }
    }
  }

  async #execute(command: string, argument: string): Promise<void> {
    switch (command) {
      case 'USER':
        this.#user = argument;
        return this.#reply(331, 'Password, please');
      case 'PASS':
        this.#loggedIn = this.#user === this.#options.user && argument === this.#options.password;
        return this.#loggedIn ? this.#reply(230, 'Welcome') : this.#reply(530, 'User or password is wrong');
      case 'QUIT':
        this.#reply(221, 'Goodbye');
        this.#socket.end();
        return;
      case 'FEAT':
        this.#socket.write(
          '211-Features\r\n EPSV\r\n MDTM\r\n MLST type*;size*;modify*;\r\n REST STREAM\r\n SIZE\r\n UTF8\r\n',
        );
        return this.#reply(211, 'End');
      case 'NOOP':
      case 'OPTS':
      case 'TYPE':
      case 'STRU':
      case 'MODE':
        return this.#reply(200, 'Fine');
    }
    if (!this.#loggedIn) return this.#reply(530, 'Log in first');
    switch (command) {
      case 'PWD':
        return this.#reply(257, `"${this.#folder}" is the current folder`);
      case 'CWD':
        return this.#enter(this.#resolve(argument));
      case 'EPSV':
      case 'PASV':
        return this.#openPassive(command);
      case 'REST':
        this.#restart = Number(argument);
        return this.#reply(350, `Restarting at ${this.#restart}`);
      case 'SIZE':
        return this.#reply(213, String((await this.#file(argument)).size));
      case 'MDTM':
        return this.#reply(213, timestamp((await this.#file(argument)).mtime));
      case 'MLSD':
      case 'LIST':
        return this.#send([await this.#listing(command, argument)]);
      case 'RETR':
        return this.#retrieve(argument);
      default:
        return this.#reply(502, 'This server only lists and sends files');
    }
  }

  async #enter(folder: string): Promise<void> {
    if (!(await stat(this.#local(folder))).isDirectory()) return this.#reply(550, 'Not a folder');
    this.#folder = folder;
    this.#reply(250, `Now in ${folder}`);
  }

  /** Absolute in the server's own tree. `..` ends at its root. */
  #resolve(path: string): string {
    return posix.resolve(this.#folder, path);
  }

  #local(path: string): string {
    return join(this.#options.root, path);
  }

  async #file(path: string): Promise<{ size: number; mtime: Date }> {
    const found = await stat(this.#local(this.#resolve(path)));
    if (!found.isFile()) throw Object.assign(new Error('not a file'), { code: 'ENOENT' });
    return found;
  }

  async #openPassive(command: string): Promise<void> {
    this.#passive?.server.close();
    const server = createServer();
    const data = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const port = await listen(server, 0);
    this.#passive = { server, data };
    if (command === 'EPSV') this.#reply(229, `Entering extended passive mode (|||${port}|)`);
    else this.#reply(227, `Entering passive mode (${HOST.replaceAll('.', ',')},${port >> 8},${port & 255})`);
  }

  async #listing(command: string, argument: string): Promise<string> {
    const folder = this.#resolve(argument.startsWith('-') ? '' : argument);
    const entries = await readdir(this.#local(folder));
    const lines = await Promise.all(
      entries.sort().map(async (name) => {
        const about = await stat(this.#local(posix.join(folder, name)));
        const type = about.isDirectory() ? 'dir' : 'file';
        if (command === 'MLSD') return `type=${type};size=${about.size};modify=${timestamp(about.mtime)}; ${name}\r\n`;
        const month = about.mtime.toLocaleString('en', { month: 'short', timeZone: 'UTC' });
        return `${type === 'dir' ? 'd' : '-'}r--r--r-- 1 marlow marlow ${about.size} ${month} ${about.mtime.getUTCDate()} ${about.mtime.getUTCFullYear()} ${name}\r\n`;
      }),
    );
    return lines.join('');
  }

  async #retrieve(argument: string): Promise<void> {
    const { size } = await this.#file(argument);
    const start = this.#restart;
    this.#restart = 0;
    const path = this.#local(this.#resolve(argument));
    const name = posix.basename(argument);
    if (this.#faults.forbidden.has(name)) return this.#reply(550, 'Permission denied');
    switch (this.#faults.troubles.get(name)?.shift()) {
      case undefined:
        return this.#send(createReadStream(path, { start }));
      case 'busy':
        this.#reply(421, 'Too many connections, come back later');
        this.#socket.end();
        return;
      case 'cut':
        return this.#sendHalf(createReadStream(path, { start, end: start + Math.ceil((size - start) / 2) }));
    }
  }

  async #sendHalf(half: AsyncIterable<Buffer>): Promise<void> {
    if (!this.#passive) return this.#reply(425, 'Ask for passive mode first');
    const data = await this.#passive.data;
    this.#reply(150, 'Here it comes');
    for await (const chunk of half) await new Promise((sent) => data.write(chunk, sent));
    data.resetAndDestroy();
    this.close();
  }

  async #send(content: Iterable<string> | AsyncIterable<Buffer>): Promise<void> {
    if (!this.#passive) return this.#reply(425, 'Ask for passive mode first');
    const { server, data } = this.#passive;
    this.#passive = undefined;
    this.#reply(150, 'Here it comes');
    try {
      await pipeline(content, await data);
      this.#reply(226, 'Done');
    } catch {
      this.#reply(426, 'The transfer broke');
    } finally {
      server.close();
    }
  }

  #reply(code: number, text: string): void {
    if (this.#socket.writable) this.#socket.write(`${code} ${text}\r\n`);
  }
}

/** `20261119041500`, in UTC. */
function timestamp(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '');
}

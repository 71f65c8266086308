/** Starts real servers for tests: on loopback, in temporary folders, stopped by their process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';

export const LOOPBACK = '127.0.0.1';
/** A second loopback address, for proxies that must have the same port numbers as the server behind them. */
export const PROXY_ADDRESS = '127.0.0.2';

/** The account the tests' servers serve files as; as an ordinary user, that user. */
export const isRoot = process.getuid?.() === 0;
export const SERVER_USER = isRoot ? 'granarytest' : userInfo().username;

/**
 * The reason to skip a test that needs a program, or false. With CI set nothing is skipped: the test then fails when it starts the
 * program.
 */
export function missing(...programs: string[]): string | false {
  const absent = programs.filter((program) => !existsSync(program));
  if (absent.length === 0 || process.env.CI) return false;
  return `${absent.join(', ')} missing: run test/servers/install.sh`;
}

/** A temporary folder for a server; `files` inside it belongs to the account that serves it. */
export async function serverFolder(name: string): Promise<{ folder: string; files: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join('/tmp', `granary-${name}-`));
  const files = join(folder, 'files');
  await mkdir(files);
  if (isRoot) {
    const { uid, gid } = await account(SERVER_USER);
    await chown(folder, uid, gid);
    await chown(files, uid, gid);
  }
  return { folder, files, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** User and group id of an account. */
export async function account(name: string): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
  return { uid: Number(uid), gid: Number(gid) };
}

/** What a program prints; throws with its errors when it fails. */
export async function run(program: string, args: string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = [collect(child.stdout), collect(child.stderr)];
  const code = await new Promise((ended, failed) => child.on('close', ended).on('error', failed));
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${err()}${out()}`);
  return out();
}

export interface RunningServer {
  pid: number;
  stop(): Promise<void>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
}

/** Starts a program that stays in the foreground, and waits until it takes connections on `port`. `stopBy`: how it is asked to end. */
export async function startServer(
  program: string,
  args: string[],
  options: { port: number; env?: Record<string, string>; stopBy?: NodeJS.Signals },
): Promise<RunningServer> {
  const env = { ...process.env, ...options.env };
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  const log = [collect(child.stdout), collect(child.stderr)];
  let failure: Error | undefined;
  child.on('error', (e) => {
    failure = e;
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    await terminate(child, options.stopBy);
  };
  const killed = async () => {
    process.off('exit', kill);
    await terminate(child, 'SIGKILL');
  };
  for (let tries = 0; tries < 300; tries++) {
    if (failure) throw failure;
    if (child.exitCode !== null)
      throw new Error(`${program} ended with ${child.exitCode}: ${log.map((l) => l()).join('')}`);
    if (await answers(options.port)) return { pid: child.pid!, stop, kill: killed };
    await new Promise((r) => setTimeout(r, 50));
  }
  await stop();
  throw new Error(`${program} does not answer on port ${options.port}: ${log.map((l) => l()).join('')}`);
}

async function terminate(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((r) => child.once('exit', r));
  child.kill(signal);
  const impatience = setTimeout(() => child.kill('SIGKILL'), 3000);
  await ended;
  clearTimeout(impatience);
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.on('data', (chunk) => {
    text = (text + chunk).slice(-20_000);
  });
  return () => text;
}

function answers(port: number): Promise<boolean> {
  return new Promise((result) => {
    const socket = createConnection({ port, host: LOOPBACK });
    const done = (ok: boolean) => {
      socket.destroy();
      result(ok);
    };
    socket.once('connect', () => done(true)).once('error', () => done(false));
  });
}

/** The first of `count` ports in a row that are free on both loopback addresses. */
export async function freePorts(count = 1): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 12_000);
    const ports = Array.from({ length: count }, (_, i) => first + i);
    const free = await Promise.all(ports.flatMap((port) => [isFree(port, LOOPBACK), isFree(port, PROXY_ADDRESS)]));
    if (free.every(Boolean)) return first;
  }
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((result) => {
    const server = createServer();
    server.once('error', () => result(false));
    server.listen(port, host, () => server.close(() => result(true)));
  });
}

/** Processes under torture: the command line itself, started as a user starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface ChildOptions {
  /** Program of the command line, as Node runs it. */
  program: string;
  dir: string;
  environment: string | undefined;
  /** `mean:seed` for connections that are cut; see `cut-connections.ts`. */
  cuts?: string;
}

export interface Child {
  process: ChildProcess;
  /** Code and the last of what it said on standard error. */
  ended: Promise<{ code: number | null; said: string }>;
}

/** `granary run` on a copy of the project. */
export function startRun({ program, dir, environment, cuts }: ChildOptions): Child {
  const ending = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const preload = fileURLToPath(new URL(`./cut-connections${ending}`, import.meta.url));
  const child = spawn(
    process.execPath,
    [
      ...(cuts === undefined ? [] : ['--import', `file://${preload}`]),
      program,
      'run',
      '--dir',
      dir,
      '--json',
      '--wait',
      '30 s',
      ...(environment === undefined ? [] : ['--env', environment]),
    ],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...(cuts !== undefined && { GRANARY_TORTURE_CUTS: cuts }) },
    },
  );
  let said = '';
  child.stderr!.on('data', (d: Buffer) => {
    said = (said + d.toString('utf8')).slice(-4000);
  });
  return { process: child, ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, said }))) };
}

/** Waits so long, or until it ends. True when it still runs. */
export async function stillRuns(child: Child, ms: number): Promise<boolean> {
  const stop = new AbortController();
  await Promise.race([delay(ms, undefined, { signal: stop.signal }).catch(() => undefined), child.ended]);
  stop.abort();
  return child.process.exitCode === null && child.process.signalCode === null;
}

/** Ids of the processes whose parent is `pid`; none where the system has no /proc. */
export function childrenOf(pid: number): number[] {
  let all: string[];
  try {
    all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return all.filter((name) => parentOf(name) === pid).map(Number);
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1]);
  } catch {
    return undefined;
  }
}

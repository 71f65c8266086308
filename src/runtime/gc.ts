/** Garbage collection: what crashes, replays and superseded files have left in the data directory. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CURATIONS, OBJECTS } from '../model/objects.ts';
import { RUNS } from '../model/runs.ts';
import { dataPaths } from './context.ts';
import type { Runtime } from './runtime.ts';

export interface Garbage {
  name: string;
  bytes: number;
  /** Why nothing needs it. */
  reason: string;
  remove(): Promise<void>;
}

/**
 * Everything in the object store and in scratch that no document refers to. The caller owns the data directory, so nothing is being
 * written meanwhile. Originals in the landing zone are garbage only when no manifest record names them: a transfer that
 * died before its record was written, and will be made again.
 */
export async function* findGarbage(runtime: Runtime): AsyncGenerator<Garbage> {
  const { context } = runtime;
  const landing = new Set<string>();
  const payloads = new Set<string>();
  for await (const o of context.state.query(OBJECTS)) {
    landing.add(o.key);
    if (o.status === 'verified') payloads.add(o.id);
  }
  const running = new Set<string>();
  for await (const run of context.state.query(RUNS, { index: 'status', equals: ['running'] })) running.add(run.id);
  // Runs that failed a short time ago may still be continued.
  const recently = new Date(context.clock.now() - REDRIVE_GRACE_MS).toISOString();
  for await (const run of context.state.query(RUNS, { index: 'status', equals: ['failed'] }))
    if ((run.endedAt ?? '') > recently) running.add(run.id);
  const current = new Set<string>();
  for await (const c of context.state.query(CURATIONS))
    if (c.current === 1) for (const key of [...c.files, ...c.rejects]) current.add(key);
  for await (const object of context.objects.list('')) {
    const [zone, second] = object.key.split('/') as [string, string];
    const reason = reasonFor(zone, second, object.key, { landing, payloads, current, running });
    if (reason)
      yield { name: object.key, bytes: object.bytes, reason, remove: () => context.objects.remove(object.key) };
  }
  for await (const l of context.objects.leftovers()) {
    if (l.ageSeconds < UPLOAD_GRACE_S && l.name.includes('upload')) continue;
    yield { name: l.name, bytes: l.bytes, reason: 'an unfinished upload', remove: () => l.remove() };
  }
  const { scratch } = dataPaths(runtime.project);
  for (const name of await readdir(scratch).catch(() => [])) {
    const pid = /^(\d+)-/.exec(name)?.[1];
    if (name === 'warehouse' || (pid && isAlive(Number(pid)))) continue;
    const path = join(scratch, name);
    yield {
      name: `scratch/${name}`,
      bytes: (await stat(path)).size,
      reason: 'scratch of a process that is gone',
      remove: () => rm(path, { recursive: true, force: true }),
    };
  }
}

const REDRIVE_GRACE_MS = 7 * 86_400_000;

/** Unfinished uploads of the last day are kept: the transfer resumes there. */
const UPLOAD_GRACE_S = 86_400;

function reasonFor(
  zone: string,
  second: string,
  key: string,
  known: { landing: Set<string>; payloads: Set<string>; current: Set<string>; running: Set<string> },
): string | undefined {
  switch (zone) {
    case 'landing':
      return known.landing.has(key) ? undefined : 'landed without a record';
    case 'payloads':
      return known.payloads.has(second) ? undefined : 'an unpacked copy that is done with';
    case 'curated':
    case 'rejects':
      return known.current.has(key) ? undefined : 'rows that others have taken the place of';
    case 'logs':
      return undefined;
    case 'references':
      return 'a snapshot of a reference table';
    case 'runs':
      return known.running.has(second.replace(/\.jsonl$/, '')) ? undefined : 'a list of a run that is over';
    default:
      return 'not of Granary';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

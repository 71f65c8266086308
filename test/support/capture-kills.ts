/** A shop at work while Granary, its workers and the server of the shop are killed at random points. */
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startUp, type Up, until, workersOf } from './up-owner.ts';

/** Mulberry32: the same numbers for the same seed, from 0 to below 1. */
export function randomBy(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export type Weighted = readonly [weight: number, kind: string, statement: string];

/** Changes tables in random transactions until it is stopped; connects again when the server is gone. */
export abstract class Writer<Connection> {
  /** That came to their end. */
  transactions = 0;
  /** Statements, by kind. */
  readonly did = new Map<string, number>();
  protected readonly random: () => number;
  #stopped = false;
  #running: Promise<void> | undefined;

  constructor(random: () => number) {
    this.random = random;
  }

  protected abstract connect(): Promise<Connection>;
  protected abstract transaction(connection: Connection): Promise<void>;
  /** Whole or broken. */
  protected abstract close(connection: Connection): Promise<void>;

  start(): void {
    this.#running = this.#work();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  protected pick(kinds: readonly Weighted[]): string {
    let at = this.random() * kinds.reduce((sum, [weight]) => sum + weight, 0);
    const chosen = kinds.find(([weight]) => {
      at -= weight;
      return at < 0;
    });
    const [, kind, statement] = chosen ?? kinds[0]!;
    this.did.set(kind, (this.did.get(kind) ?? 0) + 1);
    return statement;
  }

  async #work(): Promise<void> {
    let connection: Connection | undefined;
    while (!this.#stopped) {
      try {
        connection ??= await this.connect();
        await this.transaction(connection);
        this.transactions++;
        await delay(this.random() * 20);
      } catch {
        // Killed in the middle, or in each other's way: what the server has made of it is what counts.
        if (connection) await this.close(connection);
        connection = undefined;
        await delay(50);
      }
    }
    if (connection) await this.close(connection);
  }
}

export interface Killed {
  /** What runs at the end. */
  up: Up;
  killed: { owner: number; worker: number; server: number };
}

/** Kills what was started as `up` in `dir`, its workers, and the server, `times` in all, and starts each again. */
export async function killAtRandom(
  t: TestContext,
  started: Up,
  dir: string,
  server: { kill(): Promise<void>; restart(): Promise<void> },
  times: number,
  random: () => number,
): Promise<Killed> {
  let up = started;
  const killed = { owner: 0, worker: 0, server: 0 };
  for (let kills = 0; kills < times; ) {
    await delay(200 + random() * 5000);
    const what = (['owner', 'worker', 'server'] as const)[Math.floor(random() * 3)]!;
    if (what === 'server') {
      await server.kill();
      await delay(random() * 2000);
      await server.restart();
    } else if (what === 'owner') {
      process.kill(up.pid, 'SIGKILL');
      await up.ended;
      up = startUp(t, dir);
      await up.ready;
    } else {
      const [worker] = workersOf(up.pid);
      if (!worker) continue;
      process.kill(worker.pid, 'SIGKILL');
    }
    killed[what]++;
    kills++;
  }
  return { up, killed };
}

/** Of `until`, in a row: after a kill things are tried again after growing times. */
const PATIENCE = 5;

/** Waits until nothing differs, or for as long as that may take. Whoever calls it asserts that nothing does. */
export async function settle(differences: () => Promise<string[]>): Promise<void> {
  for (let i = 0; i < PATIENCE; i++)
    await until('the tables are the same', async () => (await differences()).length === 0).catch(() => undefined);
}

/** What benches of captured changes share: reading a log in a process that is measured, and the lag of changes under `granary up`. */
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ColumnType } from '../src/model/schema.ts';
import type { ExtractConnector, ExtractSink, Position } from '../src/ports/extract.ts';
import { run } from '../test/servers/processes.ts';
import { parseAll } from '../test/support/extracting.ts';
import { writeFiles } from '../test/support/projects.ts';
import { ask, startUp, until } from '../test/support/up-owner.ts';

const PER_SECOND = 1000;
const TOGETHER = 10;
export const MOST_LAG_MS = 2000;

export interface Server {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
}

export const settingsOf = ({ host, port, user, password, database }: Server) => ({
  host,
  port,
  user,
  password,
  database,
  tls: 'off',
});

/** The process that is measured: reads from a position to the end of the log. */
export async function capture<C, R>(
  connector: ExtractConnector<C, R>,
  columnTypes: readonly (readonly [string, ColumnType])[],
  settings: Record<string, unknown>,
  position: Position | undefined,
  folder: string,
): Promise<void> {
  const source = await connector.open(parseAll(connector.spec, settings), { projectDir: folder, source: 'bench' });
  const read = parseAll(connector.read, { changes: 'orders', key: ['id'] });
  const columns = columnTypes.map(([name, type]) => ({ name, from: name, type }));
  const hash = createHash('sha256');
  const file = openSync(join(folder, 'landed.csv'), 'w');
  let bytes = 0;
  const sink: ExtractSink = {
    async write(_, chunk) {
      hash.update(chunk);
      bytes += chunk.length;
      for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
    },
    open: async () => undefined,
    cut: async () => undefined,
    discard: async () => undefined,
    checkpoint: async () => undefined,
  };
  const scratch = join(folder, 'scratch');
  mkdirSync(scratch);
  const from = performance.now();
  const before = process.cpuUsage();
  let reached = position;
  for (let more = true; more; ) {
    const extracted = await source.extract(
      {
        feed: 'changes',
        datasets: [{ name: 'orders', read, columns }],
        position: reached,
        progress: undefined,
        full: false,
        now: () => Date.now(),
        currentKeys: async () => undefined,
        openEngine: () => Promise.reject(new Error('not needed')),
        scratch,
        warn: (message) => console.error(message),
        progressed: () => undefined,
      },
      sink,
    );
    reached = extracted.position;
    more = extracted.more;
  }
  const seconds = (performance.now() - from) / 1000;
  const cpu = process.cpuUsage(before);
  closeSync(file);
  await source.close();
  const memory = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ seconds, cpu: (cpu.user + cpu.system) / 1e6, bytes, memory, position: reached }));
}

export interface Measured {
  seconds: number;
  cpu: number;
  bytes: number;
  memory: number;
  position: Position;
}

/** `program`: the bench itself, which captures when it is given `--child`. */
export async function measured(
  program: string,
  settings: Record<string, unknown>,
  position?: Position,
): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-bench-'));
  try {
    const child = [program, '--child', JSON.stringify([settings, position, folder])];
    return JSON.parse(await run(process.execPath, child)) as Measured;
  } finally {
    await rm(folder, { recursive: true });
  }
}

export const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

export interface Writer {
  query(statement: string): Promise<unknown>;
  end(): Promise<unknown>;
}

/** At 1,000 changes a second. `upsert`: what follows the rows of an INSERT so that it changes those that are there. */
export async function lag(
  server: Server,
  type: string,
  { connect, upsert, seconds }: { connect(): Promise<Writer>; upsert: string; seconds: number },
): Promise<boolean> {
  const ends: (() => unknown)[] = [];
  const dir = await mkdtemp(join(tmpdir(), 'granary-bench-'));
  const { host, port, user, password, database } = settingsOf(server);
  await writeFiles(dir, {
    'granary.yaml': 'name: bench\n',
    'sources/ticks.yaml': `connector:\n  { type: ${type}, host: ${host}, port: ${port}, user: ${user}, password: ${JSON.stringify(password)}, database: ${database}, tls: 'off' }
datasets:\n  ticks:\n    read: { changes: ticks, key: [id] }\n    columns: { id: integer, n: integer, v: text }\n`,
  });
  try {
    const up = startUp({ after: (end: () => unknown) => ends.push(end) } as never, dir);
    await up.ready;
    await until('the table is there', async () => (await ask(dir, 'SELECT count(*) FROM ticks')) !== undefined);
    const sent: number[] = [0];
    const client = await connect();
    const begun = performance.now();
    let writing = true;
    const writer = (async () => {
      for (let batch = 0; batch < (seconds * PER_SECOND) / TOGETHER; batch++) {
        const first = sent.length;
        const values = Array.from(
          { length: TOGETHER },
          (_, i) => `(${(first + i) % 5000}, ${first + i}, 'tick ${first + i}')`,
        );
        await client.query(`INSERT INTO ticks VALUES ${values.join(', ')} ${upsert}`);
        const at = performance.now();
        for (let i = 0; i < TOGETHER; i++) sent.push(at);
        const due = begun + ((batch + 1) * TOGETHER * 1000) / PER_SECOND;
        if (due > at) await delay(due - at);
      }
      writing = false;
    })();
    const lags: number[] = [];
    let seen = 0;
    while (writing || seen < sent.length - 1) {
      const newest = Number((await ask(dir, 'SELECT coalesce(max(n), 0) FROM ticks'))![0]![0]);
      const at = performance.now();
      for (; seen < newest; seen++) if (sent[seen + 1] !== undefined) lags.push(Math.max(0, at - sent[seen + 1]!));
      await delay(20);
    }
    await writer;
    const wrote = (sent.length - 1) / ((sent.at(-1)! - begun) / 1000);
    await client.end();
    await up.stop();
    const sorted = lags.toSorted((a, b) => a - b);
    const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!);
    console.log(
      `lag at ${Math.round(wrote)} changes/s for ${seconds} s, commit to query: median ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms`,
    );
    return at(0.99) < MOST_LAG_MS;
  } finally {
    for (const end of ends) end();
    await delay(500);
    await rm(dir, { recursive: true, force: true });
  }
}

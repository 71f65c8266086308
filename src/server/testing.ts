/** For the tests of this room: a server over a real state store, and operations that read and write it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { systemClock } from '../adapters/clock/system.ts';
import { openStateStore } from '../adapters/state-store/sqlite.ts';
import { GranaryError } from '../lib/errors.ts';
import { DEAD_LETTERS, type DeadLetterDoc } from '../model/dead-letters.ts';
import { RUNS, type RunDoc } from '../model/runs.ts';
import type { StateStore } from '../ports/state-store.ts';
import type { LogEntry, Operations, PipelineStatus } from '../runtime/operations.ts';
import { RunEventLog } from '../runtime/run-event-log.ts';
import { type RunningServer, type ServerSettings, startServer } from './server.ts';

export const RUN: RunDoc = {
  id: '20261125T030000Z-abc123',
  startedAt: '2026-11-25T03:00:00.000Z',
  endedAt: null,
  status: 'running',
  command: 'granary run',
  pipeline: 'daily',
  trigger: 'manual',
  totals: { received: 0, loaded: 0, filtered: 0, deduplicated: 0, rejected: 0 },
  landed: 0,
  quarantined: 0,
  errors: [],
};
export const LETTER: DeadLetterDoc = {
  id: '4k2m8p1x000000000000',
  status: 'open',
  kind: 'object',
  dataset: 'main/shop/sales',
  tenant: 'main',
  source: 'shop',
  pipeline: 'daily',
  run: RUN.id,
  state: 'Curate',
  ref: 'obj1',
  payload: { object: 'obj1' },
  name: 'sales.csv',
  bytes: 12,
  error: 'curate.failed',
  reason: 'The engine could not process it.',
  hint: null,
  transient: false,
  openedAt: '2026-11-25T03:00:00.000Z',
  updatedAt: '2026-11-25T03:00:00.000Z',
  history: [{ at: '2026-11-25T03:00:00.000Z', what: 'gave up', run: RUN.id, error: 'curate.failed', by: null }],
};

export interface TestApi {
  dir: string;
  state: StateStore;
  events: RunEventLog;
  server: RunningServer;
  lines: LogEntry[];
  asked: { what: string; value: unknown; by?: string }[];
  /** On the socket, with no token, unless options say otherwise. */
  ask(method: string, path: string, options?: AskOptions): Promise<Asked>;
  ownerToken(): Promise<string>;
}
export interface AskOptions extends RequestOptions {
  body?: unknown;
  /** Sent as it is. */
  raw?: string;
  tcp?: boolean;
}
export interface Asked {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it.
  json: any;
}

export async function testApi(
  t: Pick<TestContext, 'after'>,
  settings: Partial<ServerSettings> = {},
  change: Partial<Operations> = {},
): Promise<TestApi> {
  const dir = settings.dataDir ?? (await mkdtemp(join(tmpdir(), 'granary-api-')));
  const state = await openStateStore(join(dir, 'state.db'));
  const lines: TestApi['lines'] = [];
  const asked: TestApi['asked'] = [];
  const events = new RunEventLog();
  const operations = { ...operationsOver(state, events, asked), ...change };
  const server = await startServer(operations, {
    dataDir: dir,
    listen: '127.0.0.1:0',
    version: '0.1.0',
    state,
    clock: systemClock,
    log: (line) => lines.push(line),
    ...settings,
  });
  t.after(async () => {
    await server.close(100);
    await state.close();
    await rm(dir, { recursive: true, force: true });
  });
  return {
    dir,
    state,
    events,
    server,
    lines,
    asked,
    ask: (method, path, options = {}) => ask(server, method, path, options),
    ownerToken: async () => (await readFile(join(dir, 'owner.token'), 'utf8')).trim(),
  };
}

async function ask(server: RunningServer, method: string, path: string, options: AskOptions): Promise<Asked> {
  const response = await open(server, method, path, options);
  const body = await text(response);
  const isJson = /\/(problem.)?json$/.test(response.headers['content-type'] ?? '');
  return {
    status: response.statusCode!,
    headers: response.headers,
    text: body,
    json: isJson && body !== '' ? JSON.parse(body) : undefined,
  };
}

/** The answer as it comes. */
export async function open(
  { addresses }: RunningServer,
  method: string,
  path: string,
  { body, raw, tcp, ...options }: AskOptions = {},
): Promise<IncomingMessage> {
  const url = new URL(path, tcp ? addresses.tcp : 'http://granary');
  const headers = { ...(body !== undefined && { 'content-type': 'application/json' }), ...options.headers };
  return new Promise((done, fail) => {
    const socket = tcp ? {} : { socketPath: addresses.socket! };
    const sent = request(
      url,
      { ...socket, ...options, method, agent: false, headers: headers as Record<string, string> },
      done,
    );
    sent.on('error', fail);
    sent.end(raw ?? (body === undefined ? undefined : JSON.stringify(body)));
  });
}

/** Operations as far as the state store alone can do them; the rest answers with what is typical. */
function operationsOver(state: StateStore, events: RunEventLog, asked: TestApi['asked']): Operations {
  const pipeline: PipelineStatus = {
    name: 'daily',
    sources: ['shop'],
    schedule: 'every 15 min',
    paused: false,
    next: '2026-11-25T03:15:00.000Z',
    running: [],
    queued: 0,
    last: null,
    lastSuccess: null,
  };
  const expectation = {
    dataset: 'main/shop/sales',
    date: '2026-11-25',
    state: 'late' as const,
    due: '2026-11-25T02:00:00.000Z',
    arrivedAt: null,
    objects: 0,
    bytes: 0,
    rows: null,
    note: null,
  };
  const runDoc = async (id: string): Promise<RunDoc> => {
    const doc = await state.get(RUNS, id);
    if (!doc) throw new GranaryError('run.not_found', `There is no run ${id}.`);
    const { rev: _, ...run } = doc;
    return run;
  };
  const all = async <T>(found: AsyncIterable<T & { rev: number }>): Promise<T[]> => {
    const out: T[] = [];
    for await (const { rev: _, ...doc } of found) out.push(doc as unknown as T);
    return out;
  };
  const note = <T>(what: string, value: unknown, by: string | undefined, result: T): T => {
    asked.push({ what, value, ...(by !== undefined && { by }) });
    return result;
  };
  const paused = (name: string, is: boolean, by: string) => {
    if (name !== 'daily') throw new GranaryError('run.not_found', `The project has no pipeline ${name}.`);
    pipeline.paused = is;
    return note(is ? 'pause' : 'resume', name, by, { ...pipeline });
  };
  return {
    readiness: async () => ({ ready: true, reasons: [] }),
    status: async () => ({
      project: 'test',
      environment: null,
      version: '0.1.0',
      at: '2026-11-25T03:00:00.000Z',
      owner: { pid: process.pid, command: 'granary up', host: 'here', since: '2026-11-25T02:00:00.000Z' },
      readiness: { ready: true, reasons: [] },
      running: [],
      pipelines: [pipeline],
      deadLetters: { open: 1, replaying: 0, newest: [LETTER] },
      late: [expectation],
      behind: [],
      quarantined: 0,
      disk: { free: 1, total: 2 },
    }),
    metrics: async () => [{ type: 'gauge', name: 'granary_runs_in_flight', help: 'Runs.', samples: [{ value: 1 }] }],
    pipelines: async () => [pipeline],
    pausePipeline: async (name, by) => paused(name, true, by),
    resumePipeline: async (name, by) => paused(name, false, by),
    startRun: async (request, by) => {
      await state.put(RUNS, { ...RUN, command: request.command }, { absent: true });
      return note('start', request, by, { run: RUN.id });
    },
    runs: (filter) =>
      all<RunDoc>(
        state.query(RUNS, {
          index: 'started',
          descending: true,
          limit: note('runs', filter, undefined, filter).limit ?? 20,
        }),
      ),
    run: async (id) => ({
      run: await runDoc(id),
      execution: { id, pipeline: 'daily', definition: 'h', status: 'RUNNING', input: {}, startedAt: 1, redrives: 0 },
      steps: [{ path: '', state: 'Poll', status: 'ready', since: 1, attempt: 1 }],
    }),
    history: async () => [{ seq: 1, at: 1, type: 'ExecutionStarted', path: '' }],
    followRun: (id, options) =>
      events.follow(id, {
        ...options,
        over: async () => {
          const run = await runDoc(id);
          return run.status === 'running' ? undefined : run;
        },
      }),
    async cancelRun(id, by) {
      const ended: RunDoc = { ...(await runDoc(id)), status: 'interrupted', endedAt: '2026-11-25T03:01:00.000Z' };
      await state.put(RUNS, ended);
      return note('cancel', id, by, ended);
    },
    async redriveRun(id, by) {
      const run = await runDoc(id);
      if (run.status === 'running') throw new GranaryError('run.not_redrivable', 'It goes on.');
      return note('redrive', id, by, { run: id });
    },
    deadLetters: (filter) =>
      all<DeadLetterDoc>(
        state.query(DEAD_LETTERS, note('letters', filter, undefined, filter).limit ? { limit: filter.limit! } : {}),
      ),
    replayDeadLetters: async (selection, by) =>
      note('replay letters', selection, by, { letters: [LETTER], runs: [RUN.id] }),
    discardDeadLetters: async (selection, reason, by) =>
      note('discard', { selection, reason }, by, [{ ...LETTER, status: 'discarded' as const }]),
    expectations: async (date) => note('expectations', date, undefined, [expectation]),
    forgive: async (request, by) => note('forgive', request, by, { ...expectation, state: 'forgiven' as const }),
    replay: async (selection, by) => note('replay', selection, by, { objects: [], run: null }),
    release: async (objects, by) => note('release', objects, by, { objects: [], run: null }),
    planBackfill: async (request) =>
      note('plan', request, undefined, {
        items: [
          {
            dataset: 'main/shop/sales',
            date: '2026-11-01',
            ref: null,
            action: 'nothing' as const,
            reason: 'It is loaded.',
          },
        ],
      }),
    startBackfill: async (request, by) => note('backfill', request, by, { plan: { items: [] }, runs: [] }),
    query: async (sql) => {
      if (sql.includes('wrong'))
        throw new GranaryError('query.failed', 'no such table', { where: { line: 1, column: 8 } });
      return {
        columns: [{ name: 'n', type: 'integer' }],
        batches: (async function* () {
          yield [[1], [2]];
          if (sql.includes('breaks')) throw new GranaryError('query.incomplete', 'It broke.');
          yield [[3]];
        })(),
        truncated: () => false,
      };
    },
    books: async (filter) => note('books', filter, undefined, []),
    trace: async (table, words) => note('trace', { table, words }, undefined, []),
    async *logs(filter, signal) {
      yield { at: '2026-11-25T03:00:00.000Z', level: 'info', message: 'first', run: filter.run ?? RUN.id };
      if (filter.follow) await new Promise((done) => signal.addEventListener('abort', done));
    },
  };
}

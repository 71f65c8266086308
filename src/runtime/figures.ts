/**
 * The figures of an owner for monitoring. Counts come from what is durable, so they go on where they were after a restart: from the system
 * tables of the warehouse, which count millions of objects in milliseconds, and from the state store. Durations are those of this process.
 */
import { stat, statfs } from 'node:fs/promises';
import type { MetricFamily, Sample } from '../lib/openmetrics.ts';
import { DEAD_LETTERS } from '../model/dead-letters.ts';
import { FEED_LAGS, type FeedLagDoc } from '../model/feeds.ts';
import { RUNS } from '../model/runs.ts';
import type { Orchestrator } from '../ports/orchestrator.ts';
import type { LoadContext } from '../stages/load.ts';
import { dataPaths } from './context.ts';
import type { Meter } from './metrics.ts';
import { shortName } from './names.ts';
import { productVersion } from './version.ts';

export interface FigureSources {
  context: LoadContext;
  meter: Meter;
  orchestrator?: Pick<Orchestrator, 'stats' | 'paused'> | undefined;
  /** Processes of the pool now, and those that are busy. */
  workers?: (() => { count: number; busy: number }) | undefined;
  /** Milliseconds since 1970. */
  startedAt?: number;
}

export class Figures {
  readonly #sources: FigureSources;
  /** Runs that began before `#horizon`, by pipeline and status: they are over and not looked at again. */
  readonly #over = new Map<string, number>();
  #horizon = '';

  constructor(sources: FigureSources) {
    this.#sources = sources;
  }

  async collect(): Promise<MetricFamily[]> {
    const { context, meter } = this.#sources;
    const { name } = context.project.config;
    const info = { version: await productVersion(), project: name, environment: context.project.environment ?? '' };
    return [
      { type: 'info', name: 'granary', help: 'What runs.', samples: [{ labels: info, value: 1 }] },
      counter('granary_runs', 'Runs that have ended.', await this.#runs()),
      ...(await this.#warehouse()),
      gauge('granary_dead_letters_open', 'Units of work that gave up and wait for somebody.', await this.#letters()),
      ...(await this.#feeds()),
      ...(await this.#live()),
      ...(await this.#disk()),
      {
        type: 'histogram',
        name: 'granary_stage_duration_seconds',
        unit: 'seconds',
        help: 'Attempts of stages, since the process was started.',
        samples: meter.stages(),
      },
    ];
  }

  /** What began before all runs that go on cannot change any more, so each scrape looks at the recent ones only. */
  async #runs(): Promise<Sample[]> {
    const recent: { startedAt: string; status: string; key: string }[] = [];
    const newestFirst = { index: 'started', descending: true } as const;
    for await (const { startedAt, status, pipeline } of this.#sources.context.state.query(RUNS, newestFirst)) {
      if (startedAt < this.#horizon) break;
      recent.push({ startedAt, status, key: JSON.stringify([pipeline, status]) });
    }
    const running = recent.filter((r) => r.status === 'running').map((r) => r.startedAt);
    const horizon = running.at(-1) ?? recent[0]?.startedAt ?? this.#horizon;
    const counts = new Map(this.#over);
    for (const { startedAt, status, key } of recent) {
      if (status === 'running') continue;
      add(counts, key);
      if (startedAt < horizon) add(this.#over, key);
    }
    this.#horizon = horizon;
    return [...counts].map(([key, value]) => {
      const [pipeline, outcome] = JSON.parse(key) as [string, string];
      return { labels: { pipeline, outcome }, value };
    });
  }

  async #warehouse(): Promise<MetricFamily[]> {
    const { clock } = this.#sources.context;
    const objects = await this.#rows<[string, string, string, number, number, number]>(
      `SELECT tenant, source || '.' || dataset, status, count(*), coalesce(sum(bytes), 0)::BIGINT, epoch_ms(max(arrived_at))
       FROM granary.objects GROUP BY ALL ORDER BY ALL`,
    );
    const books = await this.#rows<[string, number, number, number, number]>(
      `SELECT dataset, sum(loaded)::BIGINT, sum(filtered)::BIGINT, sum(deduplicated)::BIGINT, sum(rejected)::BIGINT
       FROM granary.books GROUP BY ALL ORDER BY ALL`,
    );
    const bytes = new Map<string, number>();
    const newest = new Map<string, number>();
    for (const [tenant, dataset, , , size, at] of objects) {
      const key = JSON.stringify({ tenant, dataset });
      bytes.set(key, (bytes.get(key) ?? 0) + Number(size));
      newest.set(key, Math.max(newest.get(key) ?? 0, Number(at)));
    }
    const perDataset = (values: Map<string, number>, change = (n: number) => n): Sample[] =>
      [...values].map(([key, value]) => ({ labels: JSON.parse(key) as Record<string, string>, value: change(value) }));
    const outcomes = ['loaded', 'filtered', 'deduplicated', 'rejected'];
    return [
      gauge(
        'granary_objects',
        'Objects that have landed, by how far they have come.',
        objects.map(([tenant, dataset, status, n]) => ({ labels: { tenant, dataset, status }, value: Number(n) })),
      ),
      { ...counter('granary_landed_bytes', 'Bytes that have landed.', perDataset(bytes)), unit: 'bytes' },
      counter(
        'granary_rows',
        'Rows received, by what became of them; replays count again.',
        books.flatMap(([dataset, ...counts]) =>
          counts.map((n, i) => ({ labels: { dataset, outcome: outcomes[i]! }, value: Number(n) })),
        ),
      ),
      {
        ...gauge(
          'granary_freshness_seconds',
          'Since when nothing has arrived.',
          perDataset(newest, (at) => Math.max(0, Math.round((clock.now() - at) / 1000))),
        ),
        unit: 'seconds',
      },
    ];
  }

  async #letters(): Promise<Sample[]> {
    const counts = new Map<string, number>();
    const { state } = this.#sources.context;
    for await (const { dataset, source, tenant } of state.query(DEAD_LETTERS, { index: 'status', equals: ['open'] }))
      add(counts, JSON.stringify([tenant, dataset === '' ? source : shortName(dataset)]));
    if (counts.size === 0) return [{ labels: { tenant: '', dataset: '' }, value: 0 }];
    return [...counts].map(([key, value]) => {
      const [tenant, dataset] = JSON.parse(key) as [string, string];
      return { labels: { tenant, dataset }, value };
    });
  }

  /** Nothing where no feed is always open. */
  async #feeds(): Promise<MetricFamily[]> {
    const lags: FeedLagDoc[] = [];
    for await (const doc of this.#sources.context.state.query(FEED_LAGS)) lags.push(doc);
    if (lags.length === 0) return [];
    const samples = (field: 'seconds' | 'retainedBytes'): Sample[] =>
      lags.flatMap((lag) =>
        lag[field] === null ? [] : [{ labels: { source: lag.source, feed: lag.feed }, value: lag[field] }],
      );
    return [
      {
        ...gauge('granary_feed_lag_seconds', 'How far feeds that are always open are behind.', samples('seconds')),
        unit: 'seconds',
      },
      {
        ...gauge('granary_feed_retained_bytes', 'Log that servers keep because of feeds.', samples('retainedBytes')),
        unit: 'bytes',
      },
    ];
  }

  async #live(): Promise<MetricFamily[]> {
    const { orchestrator, workers, startedAt, context } = this.#sources;
    const out: MetricFamily[] = [];
    if (orchestrator) {
      const { running, readyFrames, sleepingFrames, inFlight, events } = await orchestrator.stats();
      out.push(
        gauge('granary_runs_running', 'Runs that go on.', [{ value: running }]),
        gauge('granary_attempts_in_flight', 'Attempts of stages that go on.', [{ value: inFlight }]),
        gauge('granary_steps', 'Steps that wait.', [
          { labels: { state: 'ready' }, value: readyFrames },
          { labels: { state: 'sleeping' }, value: sleepingFrames },
        ]),
        gauge('granary_history_events', 'Transitions that are kept.', [{ value: events }]),
        gauge('granary_pipelines_paused', 'Pipelines that are paused.', [
          { value: (await orchestrator.paused()).length },
        ]),
      );
    }
    if (workers) {
      const { count, busy } = workers();
      out.push(
        gauge('granary_workers', 'Worker processes.', [
          { labels: { state: 'busy' }, value: busy },
          { labels: { state: 'idle' }, value: count - busy },
        ]),
      );
    }
    if (startedAt !== undefined)
      out.push({
        ...gauge('granary_uptime_seconds', 'Age of the process.', [
          { value: Math.round((context.clock.now() - startedAt) / 1000) },
        ]),
        unit: 'seconds',
      });
    return out;
  }

  async #disk(): Promise<MetricFamily[]> {
    const { project } = this.#sources.context;
    const { bavail, blocks, bsize } = await statfs(project.dataDir);
    const { state, warehouse, orchestrator } = dataPaths(project);
    const sizes = await Promise.all(
      Object.entries({ state, warehouse, orchestrator }).map(async ([database, path]) => ({
        labels: { database },
        value: await stat(path).then(
          ({ size }) => size,
          () => 0,
        ),
      })),
    );
    return [
      {
        ...gauge('granary_disk_free_bytes', 'Free on the disk of the data directory.', [{ value: bavail * bsize }]),
        unit: 'bytes',
      },
      { ...gauge('granary_disk_size_bytes', 'Size of that disk.', [{ value: blocks * bsize }]), unit: 'bytes' },
      { ...gauge('granary_database_bytes', 'Size of a database.', sizes), unit: 'bytes' },
    ];
  }

  async #rows<Row extends unknown[]>(sql: string): Promise<Row[]> {
    const { batches } = await this.#sources.context.warehouse.query(sql);
    const out: Row[] = [];
    for await (const batch of batches) out.push(...(batch as Row[]));
    return out;
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

const counter = (name: string, help: string, samples: Sample[]) => ({ type: 'counter' as const, name, help, samples });
const gauge = (name: string, help: string, samples: Sample[]) => ({ type: 'gauge' as const, name, help, samples });

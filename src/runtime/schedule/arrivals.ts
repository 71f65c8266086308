/**
 * Starts pipelines when files have arrived at their sources. Each source is looked at on its own: one that fails or hangs holds up no
 * other. Folders of this machine are watched; other sources are polled, more often when files are likely.
 */
import { join } from 'node:path';
import { asGranaryError, type GranaryError } from '../../lib/errors.ts';
import { redact } from '../../lib/redact.ts';
import { SOURCE_HEALTH, type SourceHealthDoc } from '../../model/schedules.ts';
import type { Clock } from '../../ports/clock.ts';
import type { StateStore } from '../../ports/state-store.ts';
import { compileNamePattern } from '../../project/name-pattern.ts';
import type { Pipeline } from '../../project/pipelines.ts';
import type { Source } from '../../project/project.ts';
import { Wakeable } from '../wakeable.ts';
import { FolderWatch, type WatchedFolder } from './folder-watch.ts';
import { type Looks, pollInterval, withArrival } from './poll-interval.ts';
import { runIdOfArrival } from './run-ids.ts';
import { inputOf, type Scheduler } from './scheduler.ts';

/** What a look at a source found. */
export interface Look {
  /** Files that can be taken now. */
  found: number;
  /** Names of their datasets. */
  datasets: string[];
  /** Until the first of the files that wait may be ready, in milliseconds from now. */
  soonestMs?: number;
  /** Changes with every run that takes something of a stream, of which there is always more. */
  reached?: string;
}

export interface ArrivalOptions {
  state: StateStore;
  clock: Clock;
  pipelines: readonly Pipeline[];
  sources: readonly Source[];
  scheduler: Pick<Scheduler, 'fire'>;
  isRunning(pipeline: string): Promise<boolean>;
  look(source: string): Promise<Look>;
  /** The folder on this machine that a source reads, absolute; undefined for sources elsewhere. See `localFolder`. */
  folderOf(source: Source): string | undefined;
  onError?(error: GranaryError, source: string): void;
}

/** Folders are looked at so often besides being watched. */
const SWEEP_MS = 1000;
/** Files of a burst are taken together. */
const GATHER_MS = 20;
/** Runs that change nothing are repeated after this, then after twice this and so on. */
const FUTILE_MS = 1000;
const FUTILE_MOST_MS = 60_000;
/** Looks that fail in a row before a run is started to tell of it: as many as a poll has attempts. */
const TELL_AFTER = 5;

export class Arrivals {
  readonly #watches: SourceWatch[];

  constructor(options: ArrivalOptions) {
    this.#watches = options.sources.flatMap((source) => {
      const pipelines = options.pipelines.filter(
        (p) => p.schedule.enabled && p.schedule.trigger.kind === 'arrival' && p.sources.includes(source.name),
      );
      return pipelines.length > 0 ? [new SourceWatch(source, pipelines, options)] : [];
    });
  }

  start(): void {
    for (const watch of this.#watches) watch.start();
  }

  /** A run of a pipeline has ended: its sources are looked at again. */
  ended(pipeline: string): void {
    for (const watch of this.#watches) watch.ended(pipeline);
  }

  /** Looks at a source now, or at all. */
  wake(source?: string): void {
    for (const watch of this.#watches) if (source === undefined || watch.source === source) watch.wake();
  }

  /** Ends after the looks that go on. */
  async stop(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.stop()));
  }
}

class SourceWatch {
  readonly source: string;
  readonly #source: Source;
  readonly #pipelines: readonly Pipeline[];
  readonly #options: ArrivalOptions;
  readonly #pause: Wakeable;
  readonly #folder: FolderWatch | undefined;
  /** Something happened since the last look. */
  #dirty = true;
  #dueAt = 0;
  #looks: Looks = { idle: 0, errors: 0, lastArrival: undefined, usual: [] };
  /** A run was started to tell that the source cannot be looked at. */
  #told = false;
  #lastFound = '';
  #futile = 0;
  #number = 0;
  #health: SourceHealthDoc | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(source: Source, pipelines: readonly Pipeline[], options: ArrivalOptions) {
    this.source = source.name;
    this.#source = source;
    this.#pipelines = pipelines;
    this.#options = options;
    this.#pause = new Wakeable(options.clock);
    const root = options.folderOf(source);
    if (root !== undefined) this.#folder = new FolderWatch(root, foldersOf(source), () => this.wake());
  }

  start(): void {
    this.#running ??= this.#run();
  }

  wake(): void {
    this.#dirty = true;
    this.#pause.wake();
  }

  ended(pipeline: string): void {
    if (this.#pipelines.some((p) => p.name === pipeline)) this.wake();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pause.wake();
    await this.#running;
    this.#folder?.close();
  }

  async #run(): Promise<void> {
    const { clock, state, onError } = this.#options;
    let notBefore = 0;
    let busy = false;
    while (!this.#stopped) {
      try {
        this.#health ??= await this.#load();
        if (this.#folder && (await this.#folder.changed())) this.#dirty = true;
        const isDue = (this.#dirty && clock.now() >= notBefore) || clock.now() >= this.#dueAt;
        busy = isDue && (await this.#areBusy());
        if (isDue && !busy) {
          this.#dirty = false;
          const failedBefore = this.#looks.errors;
          const look = await this.#look();
          this.#dueAt = clock.now() + this.#interval(look);
          notBefore = clock.now() + (this.#looks.errors > 0 ? this.#interval(look) : this.#futileDelay(look));
          await state.put(SOURCE_HEALTH, { ...this.#health, nextLookAt: new Date(this.#dueAt).toISOString() });
          if (look && look.found > 0) await this.#fire(look);
          else await this.#tellOfOutage(failedBefore);
        }
      } catch (e) {
        this.#dirty = true;
        notBefore = clock.now() + FUTILE_MS;
        onError?.(asGranaryError(e), this.source);
      }
      if (this.#stopped) return;
      const until = this.#dirty ? notBefore : this.#dueAt;
      // While its pipelines run there is nothing to do: their end wakes it.
      const rest = busy ? SWEEP_MS : Math.max(GATHER_MS, until - clock.now());
      await this.#pause.sleep(this.#folder ? Math.min(SWEEP_MS, rest) : Math.min(60_000, rest));
      if (this.#folder && this.#dirty) await clock.sleep(GATHER_MS);
    }
  }

  /** All that could be started are running: what they have not taken is found when they end. */
  async #areBusy(): Promise<boolean> {
    for (const { name } of this.#pipelines) if (!(await this.#options.isRunning(name))) return false;
    return true;
  }

  async #look(): Promise<Look | undefined> {
    const { clock, look } = this.#options;
    const before = this.#health!;
    const at = new Date(clock.now()).toISOString();
    try {
      const found = await look(this.source);
      const arrived = found.found > 0;
      const { lastArrival } = this.#looks;
      const usual = arrived ? withArrival(this.#looks.usual, clock.now(), lastArrival) : this.#looks.usual;
      this.#looks = {
        idle: arrived ? 0 : this.#looks.idle + 1,
        errors: 0,
        lastArrival: arrived ? clock.now() : lastArrival,
        usual,
      };
      this.#health = {
        ...before,
        lastLookAt: at,
        ...(arrived && { lastArrivalAt: at, usual: [...usual] }),
        errors: 0,
        errorsSince: null,
        error: null,
      };
      return found;
    } catch (e) {
      const error = asGranaryError(e);
      this.#looks = { ...this.#looks, errors: this.#looks.errors + 1 };
      this.#health = {
        ...before,
        lastLookAt: at,
        errors: before.errors + 1,
        errorsSince: before.errorsSince ?? at,
        error: { code: error.code, message: redact(error.message) },
      };
      return undefined;
    }
  }

  #interval(look: Look | undefined): number {
    const { clock } = this.#options;
    const { min, max } = this.#source.config.poll;
    const usual = pollInterval(this.#looks, { min: min * 1000, max: max * 1000 }, clock.now());
    return look?.soonestMs === undefined ? usual : Math.min(usual, Math.max(GATHER_MS, look.soonestMs));
  }

  /** A run that leaves exactly what it found is not repeated at once. */
  #futileDelay(look: Look | undefined): number {
    const found = look && look.found > 0 ? JSON.stringify([look.found, [...look.datasets].sort(), look.reached]) : '';
    this.#futile = found !== '' && found === this.#lastFound ? this.#futile + 1 : 0;
    this.#lastFound = found;
    return this.#futile < 2 ? 0 : Math.min(FUTILE_MOST_MS, FUTILE_MS * 2 ** Math.min(20, this.#futile - 2));
  }

  async #fire({ found, datasets }: Look): Promise<void> {
    this.#told = false;
    for (const pipeline of this.#pipelines) {
      const own = datasets.filter((name) => takes(pipeline, name));
      if (own.length === 0) continue;
      await this.#start(pipeline, `${found === 1 ? 'A file has' : `${found} files have`} arrived: ${own.join(', ')}.`);
    }
  }

  /**
   * Of looks nobody hears. A run of the source fails where the look did, and leaves a dead letter and an incident; one after the outage ends
   * both, also when no file has come.
   */
  async #tellOfOutage(failedBefore: number): Promise<void> {
    const { errors } = this.#looks;
    const over = errors === 0 && failedBefore >= TELL_AFTER;
    if (errors === 0) this.#told = false;
    if (!over && (errors < TELL_AFTER || this.#told)) return;
    const reason = over
      ? 'The source can be looked at again.'
      : `The source could not be looked at ${errors} times in a row.`;
    for (const pipeline of this.#pipelines) await this.#start(pipeline, reason);
    this.#told = errors > 0;
  }

  async #start(pipeline: Pipeline, reason: string): Promise<void> {
    const { clock, scheduler } = this.#options;
    await scheduler.fire({
      id: runIdOfArrival(pipeline.name, clock.now(), this.#number++),
      pipeline: pipeline.name,
      trigger: 'arrival',
      reason,
      input: inputOf(pipeline, 'arrival', {}),
      coalesce: true,
      quiet: true,
    });
  }

  async #load(): Promise<SourceHealthDoc> {
    const known = await this.#options.state.get(SOURCE_HEALTH, this.source);
    const { rev: _, ...doc } = known ?? { rev: 0, ...newHealth(this.source) };
    const lastArrival = doc.lastArrivalAt === null ? undefined : Date.parse(doc.lastArrivalAt);
    this.#looks = { idle: 0, errors: doc.errors, lastArrival, usual: doc.usual };
    return doc;
  }
}

function takes(pipeline: Pipeline, dataset: string): boolean {
  if (pipeline.kind === 'dataset') return pipeline.dataset === dataset;
  return pipeline.datasets === undefined || pipeline.datasets.includes(dataset);
}

function foldersOf(source: Source): WatchedFolder[] {
  const depths = new Map<string, number>();
  for (const { config } of source.datasets.values()) {
    if (config.files === undefined) continue;
    const { folder, depth } = compileNamePattern(config.files);
    depths.set(folder, Math.max(depth, depths.get(folder) ?? 0));
  }
  return [...depths].map(([folder, depth]) => ({ folder, depth }));
}

/** The folder that a source of type `folder` reads. */
export function localFolder(projectDir: string, source: Source): string | undefined {
  const { type, path } = source.config.connector;
  if (type !== 'folder' || typeof path !== 'string') return undefined;
  return path.startsWith('/') ? path : join(projectDir, path);
}

function newHealth(source: string): SourceHealthDoc {
  return {
    id: source,
    lastLookAt: null,
    lastArrivalAt: null,
    errors: 0,
    errorsSince: null,
    error: null,
    usual: [],
    nextLookAt: null,
  };
}

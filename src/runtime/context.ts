/** Builds what stages are given, in the owner and in workers alike. The only place where adapters are built. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../adapters/clock/system.ts';
import { duckDbEngines } from '../adapters/engine/duckdb.ts';
import { openFolderStore } from '../adapters/object-store/folder.ts';
import { openStateStore } from '../adapters/state-store/sqlite.ts';
import type { Log } from '../lib/log.ts';
import type { Clock } from '../ports/clock.ts';
import { type LoadedProject, loadProject } from '../project/load.ts';
import type { Project } from '../project/project.ts';
import type { Progress, StageContext } from '../stages/context.ts';
import { CODEC_BY_TYPE, FORMAT_BY_TYPE } from './catalog.ts';
import { Connections } from './connections.ts';
import { catalogOf } from './project-catalog.ts';
import { secretsOf } from './secrets.ts';
import { workerLimits } from './workers/limits.ts';

export interface ProjectOptions {
  /** The folder of granary.yaml. */
  dir: string;
  environment?: string;
}

/** Parses the project with the components there are, its own among them, and the secrets of environment and secrets file. */
export async function openProject(options: ProjectOptions): Promise<LoadedProject> {
  return loadProject({
    dir: options.dir,
    ...(options.environment && { environment: options.environment }),
    components: (await catalogOf(options.dir)).components,
    secrets: secretsOf(options.dir),
  });
}

export interface DataPaths {
  objects: string;
  state: string;
  warehouse: string;
  orchestrator: string;
  scratch: string;
  logs: string;
}

export function dataPaths(project: Project): DataPaths {
  const at = (name: string) => join(project.dataDir, name);
  return {
    objects: at('objects'),
    state: at('state.db'),
    warehouse: at('warehouse.duckdb'),
    orchestrator: at('orchestrator.db'),
    scratch: at('scratch'),
    logs: at('logs'),
  };
}

/** Removes what a worker that was killed has left in the scratch folder. */
export async function removeScratchOf(project: Project, pid: number): Promise<void> {
  const { scratch } = dataPaths(project);
  for (const name of await readdir(scratch).catch(() => []))
    if (name.startsWith(`${pid}-`))
      await rm(join(scratch, name), { recursive: true, force: true }).catch(() => undefined);
}

export interface OpenContext {
  context: StageContext;
  close(): Promise<void>;
}

/** `process` tells scratch folders of several processes apart. */
export async function openContext(
  project: Project,
  options: {
    progress?: (p: Progress) => void;
    log?: Log;
    signal?: AbortSignal;
    clock?: Clock;
    /** Of a worker; else those of the short class. */
    engine?: { memory: number; threads: number };
  } = {},
): Promise<OpenContext> {
  const paths = dataPaths(project);
  await mkdir(paths.scratch, { recursive: true });
  const connections = new Connections(project, options.signal);
  const { transforms } = await catalogOf(project.dir);
  const objects = await openFolderStore(paths.objects);
  const state = await openStateStore(paths.state);
  const { memory, threads } = options.engine ?? workerLimits(project).short.engine;
  const spill = join(paths.scratch, `${process.pid}-engine`);
  const engines = duckDbEngines({ memoryLimit: memory, threads, scratch: spill });
  const withScratch = async <T>(use: (folder: string) => Promise<T>): Promise<T> => {
    const folder = await mkdtemp(join(paths.scratch, `${process.pid}-`));
    try {
      return await use(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  const context: StageContext = {
    project,
    objects,
    state,
    clock: options.clock ?? systemClock,
    connection: (source) => connections.files(source),
    extractSource: (source) => connections.extracts(source),
    dropSource: (source) => connections.drop(source),
    codecs: CODEC_BY_TYPE,
    formats: FORMAT_BY_TYPE,
    transforms,
    openEngine: () => engines.open(),
    withScratch,
    progress: options.progress ?? (() => undefined),
    ...(options.log && { log: options.log }),
    ...(options.signal && { signal: options.signal }),
  };
  return {
    context,
    async close() {
      await connections.close();
      await engines.close();
      await rm(spill, { recursive: true, force: true });
      await state.close();
    },
  };
}

/** What stages are given: ports, and the project. The runtime builds it; stages build nothing. */

import { GranaryError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Clock } from '../ports/clock.ts';
import type { Codec } from '../ports/codec.ts';
import type { FileSource } from '../ports/connector.ts';
import type { Engine } from '../ports/engine.ts';
import type { ExtractSource } from '../ports/extract.ts';
import type { Format } from '../ports/format.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { StateStore } from '../ports/state-store.ts';
import type { Transform } from '../ports/transform.ts';
import type { Dataset, Project, Source } from '../project/project.ts';

export interface StageContext {
  project: Project;
  objects: ObjectStore;
  state: StateStore;
  clock: Clock;
  /** The open connection of a source; opened on first use and closed by the runtime. */
  connection(source: string): Promise<FileSource>;
  /** The open connection of a source without files. */
  extractSource(source: string): Promise<ExtractSource<unknown>>;
  /** Forgets a connection that failed: the next use opens a new one. */
  dropSource(source: string): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: components of every configuration.
  codecs: ReadonlyMap<string, Codec<any>>;
  // biome-ignore lint/suspicious/noExplicitAny: components of every configuration.
  formats: ReadonlyMap<string, Format<any>>;
  /** Of the project's own. */
  transforms: ReadonlyMap<string, Transform>;
  openEngine(): Promise<Engine>;
  /** An empty folder for temporary files; removed when `use` returns. */
  withScratch<T>(use: (folder: string) => Promise<T>): Promise<T>;
  /** Tells how far a long piece of work is. */
  progress(report: Progress): void;
  /** For what an operator wants to know later. Run, step and attempt are added by whoever runs the stage. */
  log?: Log;
  signal?: AbortSignal;
}

export interface Progress {
  /** What is being done: `landing sales_20261119.csv`. */
  what: string;
  done: number;
  total: number | undefined;
  unit: 'bytes' | 'rows';
}

/** The dataset of a key `tenant/source/dataset`; throws `stage.bad_input` when the project has none. */
export function datasetOf(context: StageContext, key: string): Dataset {
  const [tenant, source, name] = key.split('/');
  const dataset = context.project.sources.get(source ?? '')?.datasets.get(name ?? '');
  if (dataset && dataset.tenant === tenant) return dataset;
  throw new GranaryError('stage.bad_input', `The project has no dataset ${key}.`, {
    hint: 'It was renamed or removed. Bring it back, or remove its objects with `granary gc`.',
  });
}

export function sourceOf(context: StageContext, name: string): Source {
  const source = context.project.sources.get(name);
  if (source) return source;
  throw new GranaryError('stage.bad_input', `The project has no source ${name}.`);
}

/** The project as stages see it: parsed, references resolved, defaults applied. `load.ts` makes it. */
import type { Chosen } from '../lib/spec/fields.ts';
import type { ColumnType } from '../model/schema.ts';
import type { DatasetConfig } from './specs/dataset.ts';
import type { ProjectConfig } from './specs/project.ts';
import type { SourceConfig } from './specs/source.ts';

export interface Project {
  /** Absolute folder of granary.yaml. */
  dir: string;
  /** Absolute. */
  dataDir: string;
  environment: string | undefined;
  config: ProjectConfig;
  sources: ReadonlyMap<string, Source>;
}

export interface Source {
  name: string;
  /** Relative to the project folder. */
  file: string;
  tenant: string;
  config: SourceConfig;
  datasets: ReadonlyMap<string, Dataset>;
}

export interface Dataset {
  /** `tenant/source/dataset`: its key in ids, state and paths. */
  key: string;
  tenant: string;
  source: string;
  name: string;
  config: DatasetConfig;
  /** Layers to unpack, outermost first; given or taken from the ending of `files`. */
  unpack: Chosen[];
  /** Of a source without files: what is read, and with which other datasets. */
  extract?: ExtractSettings;
  /** Given or taken from the ending of `files`. A part takes its own or that of the dataset it is part of. */
  format: Chosen;
  /** Code of the project's own that rows go through once they are typed. */
  transform?: TransformSettings;
  table: TableName;
  /** Datasets that are `part_of` this one. */
  parts: string[];
  /** Hash of everything that decides which rows come out of an object: no secrets in it, no connection. */
  contractHash: string;
}

export interface ExtractSettings {
  /** `read` as the connector's spec parsed it. */
  read: unknown;
  /** Datasets of a source that are read together have the same; else the dataset's own name. */
  feed: string;
  shared: boolean;
  /** A feed that is always open is read so often while `granary up` runs. */
  everySeconds: number | undefined;
  /** How often the keys in the table are compared with those at the source. */
  reconcileSeconds: number | undefined;
}

export interface TransformSettings {
  /** Name of its file. */
  type: string;
  /** As its spec has parsed them. */
  config: unknown;
  /** Columns that it adds. */
  columns: Readonly<Record<string, ColumnType>>;
}

export interface TableName {
  /** `main` for tenant main, else the tenant's name. */
  schema: string;
  name: string;
}

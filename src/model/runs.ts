/** Runs: one execution of a project's pipeline. */
import type { SerializedError } from '../lib/errors.ts';
import type { Collection, Write } from '../ports/state-store.ts';
import type { Books } from './books.ts';
import { toPublish } from './objects.ts';
import type { ColumnType } from './schema.ts';

export interface RunDoc {
  id: string;
  startedAt: string;
  endedAt: string | null;
  /** `failed`: at least one object could not be processed; the others were. */
  status: 'running' | 'succeeded' | 'failed' | 'interrupted';
  command: string;
  /** The pipeline that it is a run of. */
  pipeline: string;
  /** What started it: a person, a schedule, an arrival, an event. */
  trigger: string;
  totals: Books;
  landed: number;
  quarantined: number;
  errors: SerializedError[];
}
/** The record of a run goes into the outbox of `publish`. */
export const toPublishRun = (id: string): Write => toPublish('run', id);

export const RUNS: Collection<RunDoc> = {
  name: 'runs',
  indexes: { started: ['startedAt'], status: ['status'], pipeline: ['pipeline', 'startedAt'] },
};

export interface SchemaColumn {
  name: string;
  type: ColumnType;
  /** Name in the file, for columns that drift added. */
  from?: string;
}

/** Versions of a dataset's schema as loaded. Id: `dataset#version`. */
export interface SchemaDoc {
  id: string;
  dataset: string;
  version: number;
  columns: SchemaColumn[];
  /** What made this version: the contract, or drift with the object that brought it. */
  cause: string;
  at: string;
}
export const SCHEMAS: Collection<SchemaDoc> = { name: 'schemas', indexes: { dataset: ['dataset', 'version'] } };

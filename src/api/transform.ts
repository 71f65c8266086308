/**
 * What a project's own transforms are written with: `import { defineTransform, reject } from 'granary/transform'`. The names here are kept
 * stable; everything else of the package may change.
 */
import type { ObjectSpec } from '../lib/spec/spec.ts';
import { type Answer, Rejection, type Row, type TransformInfo } from '../ports/transform.ts';

export { s } from '../lib/spec/fields.ts';
export type { FieldInfo, Infer, ObjectSpec, Spec } from '../lib/spec/spec.ts';
export type { ColumnType } from '../model/schema.ts';
export type { Answer, NewValue, Rejection, Row, TransformInfo, Value } from '../ports/transform.ts';

export interface TransformDefinition<C = unknown> {
  /** A few words on what it does. */
  title: string;
  /** Settings that a dataset gives: `transform: { type: name, … }`. None if not given. */
  spec?: ObjectSpec<C>;
  /** Columns that it adds to those of the contract, with their types: `{ region: 'text' }`. */
  columns?: Record<string, string>;
  /**
   * Answers at once, from the row and what is the same for the whole file: the same row gives the same answer whenever it comes again.
   * The answer is the columns that change (the whole row will do), null for a row that is not wanted, or `reject(reason)`. What it throws
   * rejects the row.
   */
  row(row: Row, info: TransformInfo<C>): Answer;
}

/** What `transforms/<name>.ts` exports by default. Does nothing but check types. */
export function defineTransform<C>(transform: TransformDefinition<C>): TransformDefinition<C> {
  return transform;
}

/** Refuses a row, with a reason for people. Returned or thrown. */
export function reject(reason: string): Rejection {
  return new Rejection(reason);
}

/** A step of a project's own code between reading a row and judging it: row in; row, nothing or a refusal out. */
import type { ObjectSpec } from '../lib/spec/spec.ts';
import type { ColumnType } from '../model/schema.ts';

/**
 * By the type of the column: `integer` and `double` a number, `bigint` a bigint, `boolean` a boolean; everything else text: decimals with all
 * digits, dates `2026-11-19`, times `08:00:00`, timestamps `2026-11-19T08:00:00`, `timestamp_tz` the same in UTC with a `Z` at its end, and
 * `json` as written. Null where there is none.
 */
export type Value = string | number | bigint | boolean | null;
/** Values by column of the contract, also those that drift has added. */
export type Row = Record<string, Value>;
/** What a column may be given: also a date, and for `json` whatever JSON can say. */
export type NewValue = Value | Date | object | undefined;

/** What the rows of a file have in common. */
export interface TransformInfo<C = unknown> {
  /** Settings of the dataset, as the transform's spec has parsed them. */
  config: C;
  tenant: string;
  source: string;
  dataset: string;
  /** Name of the file, or of the member of an archive. */
  file: string;
  /** Named parts of the file's name: `{date}` and so on. */
  parts: Readonly<Record<string, string>>;
}

/** A row that is refused, with the reason. */
export class Rejection {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** The columns that change, by name: others stay as they are. Null: the row is filtered. */
export type Answer = Record<string, NewValue> | null | Rejection;

/** What has become of a row; `failed` is a refusal because the code threw, with `at` (`transforms/x.ts:12`) where it did. */
export type Outcome =
  | { kind: 'kept'; changes: Record<string, NewValue> }
  | { kind: 'filtered' }
  | { kind: 'rejected'; reason: string }
  | { kind: 'failed'; reason: string; at: string };

export interface Transform<C = unknown> {
  /** The name of its file. */
  type: string;
  title: string;
  spec: ObjectSpec<C>;
  /** Columns that it adds to those of the contract. */
  columns: Readonly<Record<string, ColumnType>>;
  /** Changes with its code, and with that of files of the project which it imports. */
  codeHash: string;
  /** Where it is in the project: `transforms/x.ts`. */
  file: string;
  /** Throws `transform.failed` only for what is wrong with the code whatever the row is. */
  apply(row: Row, info: TransformInfo<C>): Outcome;
}

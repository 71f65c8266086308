/**
 * The bytes that rows of databases land as: CSV with a header, comma, LF, UTF-8. NULL is `\N` without quotes, so that the empty text and the text `\N` (in
 * quotes) are values. Values are as the server writes them, in forms that the engine reads without loss:
 * dates and times ISO 8601 in UTC, binary data as lower-case hex digits, booleans as true and false or 1 and 0.
 */
import type { Chosen } from '../../../lib/spec/fields.ts';

export const LANDED: Chosen = { type: 'csv', null_values: ['\\N'], quoted_nulls: false };

/** Columns that are not at the source. */
export const TABLE_COLUMN = '_table';
export const DELETED_COLUMN = '_deleted';
/** Of captured changes: `read`, `insert`, `update` or `delete`; when it was committed; a number that only grows. */
export const OPERATION = '_op';
export const CHANGED_AT = '_changed_at';
export const POSITION = '_position';

/** A line of names or values; undefined: NULL. */
export function landedLine(values: readonly (string | undefined)[]): Buffer {
  return Buffer.from(`${values.map(field).join(',')}\n`);
}

function field(value: string | undefined): string {
  if (value === undefined) return '\\N';
  return value === '' || /[",\r\n\\\0]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

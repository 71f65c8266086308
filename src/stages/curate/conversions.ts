/** SQL that turns the text of a field into a value of its contract type, or NULL where it is none. Pure. */
import { ident, literal, raw, type Sql, sql } from '../../lib/sql.ts';
import { type ColumnType, engineType } from '../../model/schema.ts';
import type { Column } from '../../project/specs/column.ts';

export interface Conversion {
  /** The value, NULL when it is missing or is not of the type. */
  value: string;
  /** The text after missing-value handling: NULL means missing. A row fails when this is present and `value` is NULL. */
  present: string;
}

/** True when the text must reach us as it stands: the contract says how it is written. */
export function needsText(column: Column): boolean {
  return Boolean(
    column.format ||
      column.decimal ||
      column.thousands ||
      column.true_values ||
      column.false_values ||
      column.null_values,
  );
}

/** Converts the VARCHAR expression `field`. */
export function convert(field: Sql, column: Column, type: ColumnType): Conversion {
  const trimmed = type === 'text' ? field : raw(sql`trim(${field})`);
  const missing = type === 'text' ? [] : [''];
  const nulls = [...missing, ...(column.null_values ?? [])];
  const present =
    nulls.length === 0 ? trimmed : raw(sql`CASE WHEN ${trimmed} IN (${list(nulls)}) THEN NULL ELSE ${trimmed} END`);
  return { present: present.text, value: typedValue(present, column, type) };
}

function typedValue(present: Sql, column: Column, type: ColumnType): string {
  if (type === 'text') return present.text;
  const target = raw(engineType(type));
  if (type === 'boolean' && (column.true_values || column.false_values)) {
    const truths = (column.true_values ?? ['true']).map((v) => v.toLowerCase());
    const lies = (column.false_values ?? ['false']).map((v) => v.toLowerCase());
    return sql`CASE WHEN lower(${present}) IN (${list(truths)}) THEN true WHEN lower(${present}) IN (${list(lies)}) THEN false END`;
  }
  if (column.format && ['date', 'time', 'timestamp', 'timestamp_tz'].includes(type)) {
    return sql`TRY_CAST(try_strptime(${present}, ${literal(column.format)}) AS ${target})`;
  }
  let text = present;
  if (column.thousands) text = raw(sql`replace(${text}, ${literal(column.thousands)}, '')`);
  if (column.decimal === ',') text = raw(sql`replace(${text}, ',', '.')`);
  if (type === 'integer' || type === 'bigint') {
    return sql`CASE WHEN regexp_full_match(${text}, '[+-]?[0-9]+(\\.0*)?') THEN TRY_CAST(${text} AS ${target}) END`;
  }
  const decimal = /^decimal\(\d+,(\d+)\)$/.exec(type);
  if (decimal) {
    const tooFine = new RegExp(`^[+-]?[0-9]*\\.[0-9]{${decimal[1]}}[0-9]*[1-9]`).source;
    return sql`CASE WHEN NOT regexp_matches(${text}, ${literal(tooFine)}) THEN TRY_CAST(${text} AS ${target}) END`;
  }
  return sql`TRY_CAST(${text} AS ${target})`;
}

function list(values: string[]): Sql {
  return raw(values.map((v) => literal(v).text).join(', '));
}

/** `value` where it is missing: the column's default. */
export function withDefault(value: string, column: Column, type: ColumnType): string {
  if (column.default === undefined) return value;
  return sql`coalesce(${raw(value)}, CAST(${literal(column.default)} AS ${raw(engineType(type))}))`;
}

/** Expression of a mask over a column. The key is read from the engine variable `mask_key`, so that it stands in no statement. */
export function masked(name: string, mask: { type: string; text: string; length: number }): string {
  const text = raw(sql`CAST(${ident(name)} AS VARCHAR)`);
  switch (mask.type) {
    case 'hash':
      return sql`sha256(getvariable('mask_key') || ${text})`;
    case 'tokenise':
      return sql`'tok_' || substr(sha256('token' || getvariable('mask_key') || ${text}), 1, 32)`;
    case 'redact':
      return sql`CASE WHEN ${text} IS NOT NULL THEN ${literal(mask.text)} END`;
    default:
      return sql`left(${text}, ${mask.length})`;
  }
}

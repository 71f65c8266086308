/** How columns of a Parquet file are delivered for a contract. Pure. */
import { ident, raw, sql } from '../../lib/sql.ts';
import { type ColumnType, engineType } from '../../model/schema.ts';
import type { ReadColumn } from '../../ports/format.ts';

/** Engine types whose values all fit the contract's, exactly. Decimals are compared by their digits. */
const EXACT: Partial<Record<ColumnType, readonly string[]>> = {
  text: ['VARCHAR'],
  integer: ['INTEGER', 'SMALLINT', 'TINYINT', 'USMALLINT', 'UTINYINT'],
  bigint: ['BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT', 'UINTEGER', 'USMALLINT', 'UTINYINT'],
  double: ['DOUBLE', 'FLOAT'],
  boolean: ['BOOLEAN'],
  date: ['DATE'],
  time: ['TIME'],
  timestamp: ['TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'DATE'],
  timestamp_tz: ['TIMESTAMP WITH TIME ZONE'],
  uuid: ['UUID'],
  json: ['JSON'],
};

export interface Delivered {
  sql: string;
  /** It has the contract's type already; otherwise it is text. */
  typed: boolean;
}

/** `found`: the engine's type of the column `name`; undefined when the file has no such column, whose values are missing then. */
export function delivered(name: string, found: string | undefined, { type, asText }: ReadColumn): Delivered {
  const column = ident(name);
  if (found === undefined) return { sql: 'CAST(NULL AS VARCHAR)', typed: false };
  if (!asText && fits(found, type)) return { sql: sql`CAST(${column} AS ${raw(engineType(type))})`, typed: true };
  if (isNested(found)) {
    return type === 'json' && !asText
      ? { sql: sql`to_json(${column})`, typed: true }
      : { sql: sql`CAST(to_json(${column}) AS VARCHAR)`, typed: false };
  }
  // Old writers do not mark text as such.
  if (found === 'BLOB') return { sql: sql`coalesce(TRY(decode(${column})), CAST(${column} AS VARCHAR))`, typed: false };
  return { sql: sql`CAST(${column} AS VARCHAR)`, typed: false };
}

function fits(found: string, type: ColumnType): boolean {
  if (EXACT[type]?.includes(found)) return true;
  const to = /^decimal\((\d+),(\d+)\)$/.exec(type);
  const from = /^DECIMAL\((\d+),(\d+)\)$/.exec(found);
  if (!to || !from) return false;
  const [precision, scale, fromPrecision, fromScale] = [to[1], to[2], from[1], from[2]].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return scale >= fromScale && precision - scale >= fromPrecision - fromScale;
}

const isNested = (found: string) => /^(STRUCT|MAP|UNION)\b|\]$/.test(found);

/** The contract's type that holds all values of an engine type. */
export function contractType(found: string): ColumnType {
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(found);
  if (decimal) return `decimal(${Number(decimal[1])},${Number(decimal[2])})`;
  if (isNested(found)) return 'json';
  if (found === 'UBIGINT' || found === 'HUGEINT') return 'decimal(38,0)';
  if (found === 'TIMESTAMP_NS') return 'timestamp';
  const order: ColumnType[] = [
    'integer',
    'bigint',
    'double',
    'boolean',
    'date',
    'time',
    'timestamp',
    'timestamp_tz',
    'uuid',
    'json',
  ];
  return order.find((type) => EXACT[type]!.includes(found)) ?? 'text';
}

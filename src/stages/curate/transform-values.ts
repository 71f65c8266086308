/** Values on their way to a project's own code and back. Pure. */
import { ident, sql } from '../../lib/sql.ts';
import type { ColumnType } from '../../model/schema.ts';
import type { Value } from '../../ports/transform.ts';

/** The engine's expression that writes a column as JSON which loses nothing of it. */
export function exported(name: string, type: ColumnType): string {
  const column = ident(name);
  switch (type) {
    case 'integer':
    case 'boolean':
    case 'text':
      return column.text;
    case 'timestamp':
      return sql`replace(${column}::VARCHAR, ' ', 'T') AS ${column}`;
    case 'timestamp_tz':
      return sql`replace((${column} AT TIME ZONE 'UTC')::VARCHAR, ' ', 'T') || 'Z' AS ${column}`;
    default:
      return sql`${column}::VARCHAR AS ${column}`;
  }
}

const WORDS: Record<string, number> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity };

/** From that JSON to what the code is given. */
export function imported(type: ColumnType): (value: unknown) => Value {
  if (type === 'bigint') return (v) => (v === null ? null : BigInt(v as string));
  if (type === 'double') return (v) => (v === null ? null : (WORDS[v as string] ?? Number(v)));
  return (v) => v as Value;
}

export interface Text {
  text?: string;
  /** Why a value can be none of its type, as what was given. */
  problem?: string;
}

/** What the code gave, as text for the engine, which checks the rest. */
export function asText(value: unknown, type: ColumnType): Text {
  switch (typeof value) {
    case 'string':
      return { text: value };
    case 'bigint':
    case 'boolean':
      return { text: String(value) };
    case 'number':
      return Number.isFinite(value) ? { text: numberText(value, type) } : { problem: String(value) };
    case 'object':
      return value instanceof Date ? dateText(value, type) : jsonText(value, type);
    default:
      return { problem: `a ${typeof value}` };
  }
}

/** A number holds no decimal exactly: it means the nearest one that the column can hold. */
function numberText(value: number, type: ColumnType): string {
  const scale = /^decimal\(\d+,(\d+)\)$/.exec(type)?.[1];
  return scale === undefined ? String(value) : value.toFixed(Number(scale));
}

function dateText(value: Date, type: ColumnType): Text {
  if (Number.isNaN(value.getTime())) return { problem: 'an invalid date' };
  const iso = value.toISOString();
  if (type === 'date') return { text: iso.slice(0, -'T00:00:00.000Z'.length) };
  if (type === 'time') return { text: iso.slice(-'00:00:00.000Z'.length, -1) };
  return { text: type === 'timestamp' ? iso.slice(0, -1) : iso };
}

function jsonText(value: unknown, type: ColumnType): Text {
  const problem = Array.isArray(value) ? 'a list' : 'a mapping';
  if (type !== 'json') return { problem };
  try {
    return { text: JSON.stringify(value) };
  } catch {
    return { problem: `${problem} that JSON cannot say` };
  }
}

/** Column types of contracts and warehouses, and what may change between versions of a schema. */

/** `decimal(12,2)` and so on. Timestamps without zone are wall-clock times; `timestamp_tz` is an instant. */
export type ColumnType =
  | 'text'
  | 'integer'
  | 'bigint'
  | 'double'
  | `decimal(${number},${number})`
  | 'boolean'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamp_tz'
  | 'uuid'
  | 'json';

export const PLAIN_TYPES = [
  'text',
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
] as const;

/** Other spellings people use, by what they mean. */
const ALIASES: Record<string, ColumnType> = {
  string: 'text',
  varchar: 'text',
  int: 'integer',
  int32: 'integer',
  int64: 'bigint',
  long: 'bigint',
  float: 'double',
  float64: 'double',
  bool: 'boolean',
  datetime: 'timestamp',
  timestamptz: 'timestamp_tz',
};

/** Undefined when the text is no type. Precision is 1 to 38, scale 0 to precision. */
export function parseColumnType(text: string): ColumnType | undefined {
  const t = text.trim().toLowerCase();
  if ((PLAIN_TYPES as readonly string[]).includes(t)) return t as ColumnType;
  if (ALIASES[t]) return ALIASES[t];
  const m = /^(?:decimal|numeric)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)$/.exec(t);
  if (!m) return undefined;
  const precision = Number(m[1]);
  const scale = Number(m[2] ?? 0);
  return precision >= 1 && precision <= 38 && scale <= precision ? `decimal(${precision},${scale})` : undefined;
}

/** DuckDB's name of a type. */
export function engineType(type: ColumnType): string {
  const names: Record<string, string> = { text: 'VARCHAR', timestamp_tz: 'TIMESTAMPTZ' };
  return names[type] ?? type.toUpperCase();
}

/** The column type of a DuckDB type. Kinds without a counterpart are kept as JSON (nested) or text. */
export function fromEngineType(name: string): ColumnType {
  const t = name.toUpperCase();
  const known: Record<string, ColumnType> = {
    VARCHAR: 'text',
    TINYINT: 'integer',
    SMALLINT: 'integer',
    UTINYINT: 'integer',
    USMALLINT: 'integer',
    UINTEGER: 'bigint',
    UBIGINT: 'decimal(20,0)',
    HUGEINT: 'decimal(38,0)',
    FLOAT: 'double',
    'TIMESTAMP WITH TIME ZONE': 'timestamp_tz',
    TIMESTAMP_S: 'timestamp',
    TIMESTAMP_MS: 'timestamp',
    TIMESTAMP_NS: 'timestamp',
  };
  return known[t] ?? parseColumnType(t) ?? (/[[(]/.test(t) ? 'json' : 'text');
}

/** The narrowest type that holds every value of both, or undefined when only text does and `to` is not text. */
export function widen(from: ColumnType, to: ColumnType): ColumnType | undefined {
  if (from === to) return from;
  const whole: Record<string, number> = { integer: 10, bigint: 19 };
  const a = numeric(from, whole);
  const b = numeric(to, whole);
  if (a && b) {
    if (from === 'double' || to === 'double') return 'double';
    if (a.scale === 0 && b.scale === 0 && from in whole && to in whole) return a.digits > b.digits ? from : to;
    const scale = Math.max(a.scale, b.scale);
    const digits = Math.max(a.digits, b.digits);
    return digits + scale <= 38 ? `decimal(${digits + scale},${scale})` : 'double';
  }
  if (from === 'date' && (to === 'timestamp' || to === 'timestamp_tz')) return to;
  if (to === 'date' && (from === 'timestamp' || from === 'timestamp_tz')) return from;
  return to === 'text' || from === 'text' ? 'text' : undefined;
}

function numeric(t: ColumnType, whole: Record<string, number>): { digits: number; scale: number } | undefined {
  if (t in whole) return { digits: whole[t]!, scale: 0 };
  if (t === 'double') return { digits: 38, scale: 0 };
  const m = /^decimal\((\d+),(\d+)\)$/.exec(t);
  return m ? { digits: Number(m[1]) - Number(m[2]), scale: Number(m[2]) } : undefined;
}

export interface TableColumn {
  name: string;
  type: ColumnType;
}

/** Columns that Granary adds to every table: the object a row came from, the line in it and, for archives, the member. */
export const LINEAGE = { object: '_object', line: '_line', member: '_member' } as const;

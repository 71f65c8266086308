/** Types of PostgreSQL: their counterparts in a contract, and the forms in which their values land. */
import type { ColumnType } from '../../model/schema.ts';
import type { SourceColumn } from '../lib/sql/database.ts';

/** A type as the catalog knows it. Domains are resolved. */
export interface NativeType {
  /** With its arguments, as SQL writes it: `numeric(12,2)`, `text[]`. */
  sql: string;
  /** `pg_type.typname`: `int4`, `_text`. */
  name: string;
  /** `pg_type.typtype`: b, c(omposite), e(num), r(ange), m(ultirange), p(seudo). */
  kind: string;
  /** `pg_type.typcategory`: A for arrays. */
  category: string;
  /** It comes with the server. */
  own: boolean;
}

/** What the dialect wants to know of a column, behind its interface. */
export interface PostgresColumn extends SourceColumn {
  base: NativeType;
}

const PLAIN: Record<string, ColumnType> = {
  bool: 'boolean',
  int2: 'integer',
  int4: 'integer',
  int8: 'bigint',
  oid: 'bigint',
  xid: 'bigint',
  xid8: 'decimal(20,0)',
  float4: 'double',
  float8: 'double',
  money: 'decimal(19,2)',
  date: 'date',
  time: 'time',
  timestamp: 'timestamp',
  timestamptz: 'timestamp_tz',
  uuid: 'uuid',
  json: 'json',
  jsonb: 'json',
};

/** The exact counterpart, with what a person should know about it. What has none is text, which keeps it exact. */
export function contractType(base: NativeType): { type: ColumnType; note?: string } {
  const { name } = base;
  if (isNested(base)) return { type: 'json' };
  if (!base.own) return { type: 'text' };
  if (name === 'numeric') return numeric(base.sql);
  if (name === 'bytea') return { type: 'text', note: 'hex digits' };
  if (name === 'interval') return { type: 'text', note: 'such as 1 year 2 mons 3 days 04:05:06' };
  if (name === 'timetz') return { type: 'text', note: 'a time with its offset from UTC' };
  return { type: PLAIN[name] ?? 'text' };
}

/** NaN and infinities of numeric columns are no decimals: such rows are rejected with that reason, unless the column is text. */
function numeric(sql: string): { type: ColumnType; note?: string } {
  const m = /\((\d+),(-?\d+)\)/.exec(sql);
  if (!m)
    return {
      type: 'text',
      note: 'numeric without a precision; where one is known, decimal(p,s) is better to compute with',
    };
  const scale = Math.max(Number(m[2]), 0);
  const precision = Math.max(Number(m[1]) - Math.min(Number(m[2]), 0), scale);
  return precision <= 38
    ? { type: `decimal(${precision},${scale})` }
    : { type: 'text', note: `${sql} has more digits than the 38 of a decimal` };
}

/** Arrays, composite types. */
export function isNested({ kind, category, name }: NativeType): boolean {
  return kind === 'c' || category === 'A' || name === 'record';
}

/** As `landedSql`, where years before Christ are written anew when they come (see `before-christ.ts`). */
export function copiedSql(ref: string, column: PostgresColumn, wanted: ColumnType): string {
  const { own, name } = column.base;
  if (own && name === 'timestamptz' && wanted === 'timestamp') return `(${ref} AT TIME ZONE 'UTC')`;
  return own && /^(date|timestamp|timestamptz)$/.test(name) ? ref : landedSql(ref, column, wanted);
}

/**
 * The expression to select, so that a column lands as what `wanted` takes. What needs no change stays the bare column, which costs the server nothing.
 * Years before Christ: see `before-christ.ts`.
 */
export function landedSql(ref: string, { base }: PostgresColumn, wanted: ColumnType): string {
  if (isNested(base)) return wanted === 'text' ? ref : `to_json(${ref})`;
  if (!base.own) return ref;
  switch (base.name) {
    case 'bool':
      return wanted === 'boolean' ? ref : `${ref}::text`;
    case 'bpchar':
      // The padding is no part of the value; as text it is not there.
      return `${ref}::text`;
    case 'bytea':
      return `encode(${ref}, 'hex')`;
    case 'money':
      return `${ref}::numeric`;
    case 'date':
      return `CASE WHEN ${ref} >= '0001-01-01' THEN ${ref}::text ELSE replace(${ref}::text, ' BC', ' (BC)') END`;
    case 'timestamp':
      return timestampSql(ref, '0001-01-01');
    case 'timestamptz':
      return wanted === 'timestamp'
        ? timestampSql(`(${ref} AT TIME ZONE 'UTC')`, '0001-01-01')
        : timestampSql(ref, '0001-01-01 00:00+00');
    default:
      return ref;
  }
}

function timestampSql(ref: string, christ: string): string {
  const moved = `regexp_replace(${ref}::text, '^([^ ]+) (.*) BC$', '\\1 (BC) \\2')`;
  return `CASE WHEN ${ref} >= '${christ}' THEN ${ref}::text ELSE ${moved} END`;
}

/** A value as a literal of the column's type, from the text it landed as. `text` quotes. */
export function valueSql(landed: string, { base }: PostgresColumn, text: (value: string) => string): string {
  if (base.own && base.name === 'bytea') return `${text(`\\x${landed}`)}::bytea`;
  if (base.own && base.name === 'money') return `${text(landed)}::numeric::money`;
  const before = / \(BC\)/.test(landed) && /^(date|timestamp|timestamptz)$/.test(base.name);
  return `${text(before ? `${landed.replace(' (BC)', '')} BC` : landed)}::${base.sql}`;
}

/** The exact sum, whatever the order of rows: binary fractions are added as the decimals they are written as. */
export function sumSql(ref: string, { base }: PostgresColumn): string {
  if (base.name === 'float4' || base.name === 'float8') return `sum(${ref}::text::numeric)`;
  return base.name === 'money' ? `sum(${ref}::numeric)` : `sum(${ref})`;
}

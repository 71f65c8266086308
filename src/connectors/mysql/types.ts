/** Types of columns as the server describes them, and their exact counterparts. */
import type { ColumnType } from '../../model/schema.ts';

export interface NativeType {
  /** `bigint`, `varchar`… */
  base: string;
  unsigned: boolean;
  /** Numbers in parentheses. */
  args: number[];
}

/** `COLUMN_TYPE` of the server: `bigint(20) unsigned zerofill`, `decimal(10,2)`, `enum('a','b')`. */
export function parseNative(text: string): NativeType {
  const m = /^([a-z0-9_ ]+?)\s*(?:\(([\d,\s]+)\)|\(.*\))?\s*(unsigned)?\s*(?:zerofill)?\s*$/is.exec(text);
  const base = (m?.[1] ?? text).toLowerCase().replace(/\s+(unsigned|zerofill).*$/, '');
  return {
    base,
    unsigned: /\b(unsigned|zerofill)\b/i.test(text.replace(/\(.*\)/s, '')),
    args: m?.[2]?.split(',').map(Number) ?? [],
  };
}

const BINARY = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob']);
const SPATIAL = new Set([
  'geometry',
  'point',
  'linestring',
  'polygon',
  'multipoint',
  'multilinestring',
  'multipolygon',
  'geometrycollection',
  'geomcollection',
]);

export const isBinary = ({ base }: NativeType): boolean => BINARY.has(base);
export const isSpatial = ({ base }: NativeType): boolean => SPATIAL.has(base);
export const isTemporal = ({ base }: NativeType): boolean =>
  base === 'date' || base === 'datetime' || base === 'timestamp';
export const isWhole = ({ base }: NativeType): boolean => /^(tiny|small|medium|big)?int$|^year$/.test(base);
export const isExact = (type: NativeType): boolean => isWhole(type) || type.base === 'decimal' || type.base === 'bit';
export const isFloat = ({ base }: NativeType): boolean => base === 'float' || base === 'double';

export function contractType(
  type: NativeType,
  { json = false, textDates = false }: { json?: boolean; textDates?: boolean } = {},
): { type: ColumnType; note?: string } {
  const { base, unsigned, args } = type;
  if (json) return { type: 'json' };
  if (textDates && isTemporal(type)) return { type: 'text' };
  switch (base) {
    case 'tinyint':
      return args[0] === 1 && !unsigned
        ? { type: 'integer', note: 'make it boolean, if it is one' }
        : { type: 'integer' };
    case 'smallint':
    case 'mediumint':
    case 'year':
      return { type: 'integer' };
    case 'int':
      return { type: unsigned ? 'bigint' : 'integer' };
    case 'bigint':
      return { type: unsigned ? 'decimal(20,0)' : 'bigint' };
    case 'bit':
      return { type: (args[0] ?? 1) < 32 ? 'integer' : (args[0] ?? 1) < 64 ? 'bigint' : 'decimal(20,0)' };
    case 'decimal': {
      const [precision = 10, scale = 0] = args;
      return precision <= 38
        ? { type: `decimal(${precision},${scale})` }
        : { type: 'text', note: `${precision} digits are more than a decimal has` };
    }
    case 'float':
    case 'double':
      return { type: 'double' };
    case 'date':
      return { type: 'date' };
    case 'datetime':
      return { type: 'timestamp' };
    case 'timestamp':
      return { type: 'timestamp_tz' };
    case 'time':
      return {
        type: 'time',
        note: 'rows with more than 24 hours, or less than none, are rejected: make it text to keep them',
      };
    case 'json':
      return { type: 'json' };
    case 'uuid':
      return { type: 'uuid' };
  }
  if (isBinary(type)) return { type: 'text', note: 'binary data as hex digits' };
  if (isSpatial(type)) return { type: 'text', note: 'a shape as well-known text' };
  return { type: 'text' };
}

/** Type codes and flags of columns in results: https://mariadb.com/kb/en/result-set-packets/#column-definition-packet */
const CODES: Record<number, string> = {
  0: 'decimal',
  1: 'tinyint',
  2: 'smallint',
  3: 'int',
  4: 'float',
  5: 'double',
  7: 'timestamp',
  8: 'bigint',
  9: 'mediumint',
  10: 'date',
  11: 'time',
  12: 'datetime',
  13: 'year',
  16: 'bit',
  245: 'json',
  246: 'decimal',
  247: 'enum',
  248: 'set',
  255: 'geometry',
};
const NOT_NULL = 1;
const UNSIGNED = 32;
const BINARY_CHARSET = 63;

export interface ResultField {
  name: string;
  columnType: number;
  flags: number;
  columnLength: number;
  decimals: number;
  characterSet: number;
}

/** The type of a column of a query in the server's words. */
export function fieldNative(field: ResultField): string {
  const { columnType, flags, columnLength, decimals, characterSet } = field;
  const base = CODES[columnType] ?? (characterSet === BINARY_CHARSET ? 'blob' : 'text');
  const unsigned = (flags & UNSIGNED) !== 0;
  if (base === 'decimal') {
    const precision = columnLength - (decimals > 0 ? 1 : 0) - (unsigned ? 0 : 1);
    return `decimal(${precision},${decimals})${unsigned ? ' unsigned' : ''}`;
  }
  if (base === 'bit') return `bit(${columnLength})`;
  return isWhole({ base, unsigned, args: [] }) && unsigned ? `${base} unsigned` : base;
}

export const fieldNullable = ({ flags }: ResultField): boolean => (flags & NOT_NULL) === 0;

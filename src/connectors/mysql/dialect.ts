/** SQL as MySQL and MariaDB write it, in the session that `connect.ts` sets up. */
import type { SqlDialect } from '../lib/sql/database.ts';
import { isBinary, isExact, isFloat, isSpatial, isTemporal, parseNative } from './types.ts';

const ESCAPES: Record<string, string> = {
  '\0': '\\0',
  '\n': '\\n',
  '\r': '\\r',
  '\u001a': '\\Z',
  '\\': '\\\\',
  "'": "''",
};

export const ident = (...parts: string[]): string => parts.map((p) => `\`${p.replaceAll('`', '``')}\``).join('.');

export const text = (value: string): string => `'${value.replace(/[\0\n\r\u001a\\']/g, (c) => ESCAPES[c]!)}'`;

const FIRST_TIMESTAMP = '1970-01-01 00:00:01';

export function mysqlDialect(options: { zeroDates: 'reject' | 'null' | 'text' }): SqlDialect {
  const landed: SqlDialect['landed'] = (ref, column, wanted) => {
    const type = parseNative(column.native);
    if (isBinary(type)) return `LOWER(HEX(${ref}))`;
    if (isSpatial(type)) return `ST_AsText(${ref})`;
    if (type.base === 'bit') return `(${ref} + 0)`;
    // A float prints six digits, a double of fixed decimals is cut; as doubles they print what they are.
    if (type.base === 'float' || (type.base === 'double' && type.args.length > 0)) return `(${ref} + 0e0)`;
    if (options.zeroDates === 'null' && isTemporal(type) && wanted !== 'text')
      return `IF(MONTH(${ref}) = 0 OR DAYOFMONTH(${ref}) = 0, NULL, ${ref})`;
    return ref;
  };
  return {
    ident,
    text,
    landed,
    copied: landed,
    value(landed, column) {
      const type = parseNative(column.native);
      if (isBinary(type) && /^([0-9a-f]{2})*$/.test(landed)) return `X'${landed}'`;
      if ((isExact(type) || isFloat(type)) && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(landed)) return landed;
      // A time below the first of the type is an error to newer servers.
      if (type.base === 'timestamp' && landed < FIRST_TIMESTAMP) return text(FIRST_TIMESTAMP);
      return text(landed);
    },
    flag: (condition) => `CASE WHEN (${condition}) THEN 'true' ELSE 'false' END`,
    sum: (ref) => `CAST(COALESCE(SUM(${ref}), 0) AS CHAR)`,
  };
}

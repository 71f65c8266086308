/** The SQL of PostgreSQL, where it differs from that of other databases. */
import type { SqlDialect } from '../lib/sql/database.ts';
import { copiedSql, landedSql, type PostgresColumn, sumSql, valueSql } from './types.ts';

/** Columns are those that the database told of. */
export const postgresDialect: SqlDialect = {
  ident,
  text,
  value: (landed, column) => valueSql(landed, column as PostgresColumn, text),
  landed: (ref, column, wanted) => landedSql(ref, column as PostgresColumn, wanted),
  copied: (ref, column, wanted) => copiedSql(ref, column as PostgresColumn, wanted),
  flag: (condition) => `coalesce((${condition}), false)`,
  sum: (ref, column) => sumSql(ref, column as PostgresColumn),
};

function ident(...parts: string[]): string {
  return parts.map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
}

/** Right whatever `standard_conforming_strings` is. */
function text(value: string): string {
  const quoted = `'${value.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return value.includes('\\') ? ` E${quoted}` : quoted;
}

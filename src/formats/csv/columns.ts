/** Which columns are asked for, where they are in the file, and whether the engine can type them without changing values. */

import type { ColumnTraits } from '../../lib/scan/record-scanner.ts';
import { join, literal, raw, type Sql, sql } from '../../lib/sql.ts';
import { type ColumnType, engineType } from '../../model/schema.ts';
import type { ReadColumn } from '../../ports/format.ts';
import type { CsvConfig } from './config.ts';
import { columnPosition } from './header.ts';

export interface PlannedColumn {
  column: ReadColumn;
  /** Field of the record; undefined when the file has no such column, and it is NULL. */
  position: number | undefined;
}

/** `fields`: how many the file has. */
export function planColumns(columns: ReadColumn[], header: string[] | undefined, fields: number): PlannedColumn[] {
  return columns.map((column) => {
    const position = header ? columnPosition(header, column.source) : column.position;
    return { column, position: position !== undefined && position < fields ? position : undefined };
  });
}

/** Whether the engine's reader may give a column its type: it rounds, cuts and ignores where a person would want to be told. */
export function keepsValues(type: ColumnType, config: CsvConfig, traits: ColumnTraits | undefined): boolean {
  if (config.trim || (isNumeric(type) && config.thousands !== undefined)) return false;
  // Its reader makes NULL of what is no such time, and tells nobody.
  if (type === 'timestamp_tz') return false;
  if (!traits) return true;
  const scale = /^decimal\(\d+,(\d+)\)$/.exec(type)?.[1];
  if (type === 'integer' || type === 'bigint') return traits.fraction === 0 && !traits.negativeExponent;
  if (scale !== undefined) return traits.fraction <= Number(scale) && !traits.negativeExponent;
  if (type === 'date') return !traits.clock;
  if (type === 'timestamp') return !traits.zone && traits.fraction <= 6;
  if (type === 'time') return traits.fraction <= 6;
  return true;
}

const isNumeric = (type: ColumnType) => /^(integer|bigint|double|decimal)/.test(type);

/**
 * The value of a column that is delivered as text. Numbers that the engine is to type later get a point and lose their separators; where these are
 * in the wrong places the result is no number.
 */
export function textValue(field: Sql, { type, asText }: ReadColumn, config: CsvConfig): Sql {
  let value = field;
  if (config.trim) {
    const trimmed = sql`trim(${field}, ${literal(' \t')})`;
    value = raw(
      sql`CASE WHEN list_contains(${literal(config.null_values)}, ${raw(trimmed)}) THEN NULL ELSE ${raw(trimmed)} END`,
    );
  }
  if (asText || !isNumeric(type)) return value;
  const { decimal, thousands } = config;
  if (thousands) {
    const number = `\\s*[+-]?[0-9]{1,3}([${thousands}][0-9]{3})+([${decimal}][0-9]*)?\\s*`;
    const joined = sql`replace(${value}, ${literal(thousands)}, '')`;
    value = raw(sql`CASE WHEN regexp_full_match(${value}, ${literal(number)}) THEN ${raw(joined)} ELSE ${value} END`);
  }
  return decimal === ',' ? raw(sql`translate(${value}, '.,', ',.')`) : value;
}

/** The columns of a relation, named `c0`, `c1`… `field` is the field of a planned column, `typed` whether it has its type already. */
export function relationColumns(
  planned: PlannedColumn[],
  config: CsvConfig,
  field: (position: number, index: number) => Sql,
  typed: boolean[],
): Sql {
  const expressions = planned.map(({ column, position }, i) => {
    if (position === undefined) return sql`NULL::${raw(engineType(column.type))} AS ${raw(`c${i}`)}`;
    const value = field(position, i);
    return sql`${typed[i] && column.type !== 'text' ? value : textValue(value, column, config)} AS ${raw(`c${i}`)}`;
  });
  return join(expressions);
}

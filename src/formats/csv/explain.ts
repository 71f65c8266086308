/** Why the engine refused a record, in our words. */
import { isUtf8 } from 'node:buffer';
import type { LocatedRecord } from '../../lib/scan/record-locator.ts';
import type { PlannedColumn } from './columns.ts';
import { type CsvConfig, scanDialect } from './config.ts';
import { RecordParser } from './record-parser.ts';
import { KEPT_BYTES } from './record-reader.ts';
import { ENCODING_REASON, fieldsReason, type Reject, typeReason } from './rejects.ts';
import { fieldBytes, hasSurplus, NullValues } from './values.ts';

export interface EngineError {
  /** Field of the record. */
  field: number | undefined;
  /** The engine's `error_type`. */
  type: string;
}

export const textOf = (record: LocatedRecord): string => record.bytes.toString('utf8', 0, KEPT_BYTES);

/**
 * Explains the errors of one record after another, from the record as we read it. Gives undefined when the engine gave an error that such a
 * record cannot have. `fields`: how many a record should have.
 */
export function explainer(
  config: CsvConfig,
  fields: number,
  planned: PlannedColumn[],
): (record: LocatedRecord, errors: EngineError[]) => Reject[] | undefined {
  const dialect = scanDialect(config);
  const parser = new RecordParser({ dialect, multiline: config.multiline, maxBytes: config.max_line_bytes });
  const nulls = new NullValues(config.null_values);
  const columns = new Map<number | undefined, PlannedColumn['column']>();
  for (const { position, column } of planned.toReversed()) columns.set(position, column);

  return (record, errors) => {
    if (!parser.split(record.bytes)) return undefined;
    const base = { line: record.line, raw: textOf(record) };
    if (parser.fields < fields || hasSurplus(parser, fields, nulls))
      return [{ ...base, rule: 'structure', column: undefined, reason: fieldsReason(fields, parser.fields) }];
    const rejects: Reject[] = [];
    for (const { field, type } of errors) {
      const column = columns.get(field);
      if (!column || field === undefined || (type !== 'CAST' && type !== 'INVALID ENCODING')) return undefined;
      const bytes = fieldBytes(parser, field, dialect);
      const encoding = type === 'INVALID ENCODING' || !isUtf8(bytes);
      rejects.push({
        ...base,
        rule: encoding ? 'encoding' : 'type',
        column: column.source,
        reason: encoding ? ENCODING_REASON : typeReason(column.type, bytes.toString()),
      });
    }
    return rejects;
  };
}

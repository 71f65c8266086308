/** The setting that both JSON formats share. */
import { s } from '../../lib/spec/fields.ts';
import { type PathStep, recordsPath } from './paths.ts';

/** No path: the document itself is the record. */
export const recordsField = s.refine(
  s.text({
    doc: 'Array whose elements are the rows, where a document holds many: `lines`, `data.items`, `orders[].lines`. Columns name their full path, such as `lines[].sku`; those outside the array are repeated on each row.',
    example: 'lines',
    optional: true,
  }),
  (text, fail): string | undefined =>
    text === undefined || recordsPath(text) ? text : fail(`expected a path such as "data.items", found "${text}"`),
);

export interface RecordsConfig {
  records?: string | undefined;
}

export function recordsOf(config: RecordsConfig): PathStep[] {
  return config.records === undefined ? [] : (recordsPath(config.records) ?? []);
}

/** CSV: delimited text as the real world writes it. */
import type { Format } from '../../ports/format.ts';
import { type CsvConfig, csvSpec } from './config.ts';
import { countCsv } from './count.ts';
import { discoverCsv } from './discover.ts';
import { readHeader } from './header.ts';
import { readCsv } from './read.ts';

export const csv: Format<CsvConfig> = {
  type: 'csv',
  title: 'CSV and other delimited text',
  extensions: ['.csv', '.tsv', '.txt', '.psv'],
  spec: csvSpec,
  content: 'text',
  count: countCsv,
  read: readCsv,
  discover: discoverCsv,
  header: readHeader,
};

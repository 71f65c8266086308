/** Which files the scanner alone cannot count: those in which its records may not be the ones that `RecordReader` finds. */
import type { ScanStats } from '../../lib/scan/record-scanner.ts';
import type { CsvConfig } from './config.ts';
import { hasTrailer } from './trailer.ts';

type Counted = Pick<
  ScanStats,
  'irregularQuotes' | 'openQuote' | 'quotes' | 'multiline' | 'longest' | 'escapes' | 'comments'
>;

/** Why the records of a file must be told apart by the reader; undefined when the scanner has counted them as the reader would. */
export function recordsInDoubt(config: CsvConfig, stats: Counted): string | undefined {
  const reasons: [boolean, string][] = [
    [stats.irregularQuotes > 0 || stats.openQuote > 0, 'irregular quotes'],
    [stats.quotes > 0 && Buffer.byteLength(config.delimiter) > 1, 'quotes with a long delimiter'],
    [stats.multiline > 0 && !config.multiline, 'values of several lines'],
    [stats.multiline > 0 && stats.longest > config.max_line_bytes, 'long records of several lines'],
    [stats.quotes > 0 && stats.escapes > 0, 'quotes and escapes'],
    [stats.comments > 0 && hasTrailer(config), 'comments and a trailer'],
  ];
  return reasons.find(([holds]) => holds)?.[1];
}

/** Records at the end of a file that are not data. */
import { TAIL_RECORDS } from '../../lib/scan/record-scanner.ts';
import type { CsvConfig } from './config.ts';
import type { RecordReader } from './record-reader.ts';

export const hasTrailer = (config: CsvConfig): boolean =>
  config.footer_lines > 0 || config.footer_pattern !== undefined;

/** How many of the last records of data are the trailer; `texts`: of at most `TAIL_RECORDS` of them, oldest first. */
export function trailerLength(texts: string[], config: CsvConfig): number {
  let n = Math.min(config.footer_lines, texts.length);
  if (config.footer_pattern === undefined) return n;
  const pattern = new RegExp(config.footer_pattern, 'u');
  while (n < texts.length && pattern.test(texts[texts.length - 1 - n]!)) n++;
  return n;
}

/** Reads to the end, and gives how many records are data: without the header and the trailer. */
export async function countData(reader: RecordReader, config: CsvConfig): Promise<number> {
  const texts: string[] = [];
  const mayEnd = hasTrailer(config);
  let records = config.header ? -1 : 0;
  while (await reader.fill()) {
    for (let r = reader.next(); r; r = reader.next()) {
      if (records++ < 0 || !mayEnd) continue;
      texts.push(reader.text(r));
      if (texts.length > TAIL_RECORDS) texts.shift();
    }
  }
  return Math.max(0, records) - trailerLength(texts, config);
}

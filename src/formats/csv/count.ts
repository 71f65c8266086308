/** The independent count of a CSV file: its records, and the facts that tell how it can be read. */
import { type FileHandle, open } from 'node:fs/promises';
import { GranaryError } from '../../lib/errors.ts';
import { LineIndex } from '../../lib/scan/line-index.ts';
import { type ColumnTraits, RecordScanner, type ScanPosition, type ScanStats } from '../../lib/scan/record-scanner.ts';
import { Utf8Check } from '../../lib/scan/utf8.ts';
import type { PayloadFacts, RecordCounter } from '../../ports/format.ts';
import { type CsvConfig, MAX_COLUMNS, scanDialect } from './config.ts';
import { recordsInDoubt } from './doubt.ts';
import { LineSkipper } from './header.ts';
import { KEPT_BYTES, RecordReader } from './record-reader.ts';
import { countData, hasTrailer, trailerLength } from './trailer.ts';
import { hasSurplus, NullValues } from './values.ts';

/** `records`: without the header and the trailer. The rest is of all records after the skipped lines. */
export interface CsvFacts extends PayloadFacts, Omit<ScanStats, 'records' | 'lines' | 'offset'> {
  lines: number;
  bytes: number;
  /** Where the records begin: after the skipped lines. */
  start: { offset: number; line: number };
  validUtf8: boolean;
  /** Columns whose values a conversion might change. */
  traits: ColumnTraits[];
  /** Records at the end that are not data. */
  footer: number;
  /** The engine refuses every record of the trailer, because it has another number of fields than the first record. */
  footerRagged: boolean;
  /** How many physical lines the engine can skip to come to the first record of data; undefined when only reading them all tells. */
  skip: number | undefined;
}

/** Lines at the top that are looked at to find `skip`. */
const TOP_BYTES = 1 << 20;

/**
 * Counts by the scanner alone; only the trailer and the top are read again. Files whose records only the reader can tell apart are read again
 * whole, so that what is counted is what the lossless attempt receives. Error: `format.too_many_columns`.
 */
export function countCsv(config: CsvConfig): RecordCounter {
  const skipper = new LineSkipper(config.skip_lines);
  const utf8 = new Utf8Check();
  let scanner: RecordScanner | undefined;
  const begin = () =>
    new RecordScanner(scanDialect(config), { offset: skipper.offset, line: config.skip_lines + 1, record: 0 });
  return {
    push(chunk) {
      const rest = scanner ? chunk : skipper.feed(chunk);
      if (rest.length === 0) return;
      utf8.push(rest);
      scanner ??= begin();
      scanner.push(rest);
    },
    async finish(path) {
      scanner ??= begin();
      const { records, lines, offset, ...stats } = scanner.finish();
      const data = Math.max(0, records - (config.header ? 1 : 0));
      const tail = scanner.tail(records).slice(-data);
      const traits = scanner.traits();
      scanner.release();
      if (stats.columns > MAX_COLUMNS) throw tooManyColumns(stats.columns);
      const start = { offset: skipper.offset, line: config.skip_lines + 1 };
      const file = await open(path);
      try {
        const footer = data === 0 ? [] : await findFooter(file, config, tail, offset);
        const facts: CsvFacts = {
          ...stats,
          records: recordsInDoubt(config, stats) ? await readRecords(file, config, start) : data - footer.length,
          lines,
          bytes: offset,
          start,
          validUtf8: utf8.finish(),
          traits,
          footer: footer.length,
          footerRagged: await allRagged(file, config, footer, stats.columns),
          skip: await safeSkip(file, config, start, stats),
        };
        return { facts, index: LineIndex.of(scanner).bytes() };
      } finally {
        await file.close();
      }
    },
  };
}

/** How many records of data the lossless attempt will find. */
function readRecords(file: FileHandle, config: CsvConfig, start: { offset: number; line: number }): Promise<number> {
  const options = { dialect: scanDialect(config), multiline: config.multiline, maxBytes: config.max_line_bytes };
  return countData(new RecordReader(file, options, start), config);
}

function tooManyColumns(columns: number): GranaryError {
  return new GranaryError(
    'format.too_many_columns',
    `The first record has ${columns} fields; ${MAX_COLUMNS} are allowed.`,
    {
      hint: 'Check that the delimiter is the right one.',
    },
  );
}

/** The records of the trailer; `tail`: the last records of data, `bytes`: size of the file. */
async function findFooter(
  file: FileHandle,
  config: CsvConfig,
  tail: ScanPosition[],
  bytes: number,
): Promise<ScanPosition[]> {
  if (!hasTrailer(config)) return [];
  const texts: string[] = [];
  for (const [i, { offset }] of tail.entries()) {
    const length = Math.min((tail[i + 1]?.offset ?? bytes) - offset, KEPT_BYTES);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
    texts.push(buffer.toString('utf8').replace(/[\r\n]+$/, ''));
  }
  return tail.slice(tail.length - trailerLength(texts, config));
}

async function allRagged(
  file: FileHandle,
  config: CsvConfig,
  footer: ScanPosition[],
  columns: number,
): Promise<boolean> {
  if (footer.length === 0) return true;
  const options = { dialect: scanDialect(config), multiline: config.multiline, maxBytes: config.max_line_bytes };
  const nulls = new NullValues(config.null_values);
  const reader = new RecordReader(file, options, footer[0]!);
  while (await reader.fill())
    for (let record = reader.next(); record; record = reader.next())
      if (
        record.fault ||
        record.fields === columns ||
        (record.fields > columns && !hasSurplus(reader.parser, columns, nulls))
      )
        return false;
  return true;
}

/**
 * The engine skips physical lines, but sees records where lines have quotes, and wants one kind of line end in the file. So lines can only be
 * skipped when the skipped ones have no quotes (those of a header that is the first line excepted) and the line ends of the rest.
 */
async function safeSkip(
  file: FileHandle,
  config: CsvConfig,
  start: { offset: number; line: number },
  stats: { lf: number; cr: number; crlf: number },
): Promise<number | undefined> {
  const options = { dialect: scanDialect(config), multiline: config.multiline, maxBytes: config.max_line_bytes };
  const reader = new RecordReader(file, options, start);
  let wanted = config.header ? 2 : 1;
  while (await reader.fill()) {
    for (let record = reader.next(); record; record = reader.next()) {
      if (--wanted > 0) continue;
      if (record.offset > TOP_BYTES) return undefined;
      const { buffer } = await file.read(Buffer.alloc(record.offset), 0, record.offset, 0);
      const top = buffer.toString('latin1');
      const lines = record.line - 1;
      const quoted = options.dialect.quote !== 0 && top.includes(String.fromCharCode(options.dialect.quote));
      if (quoted && (config.skip_lines > 0 || lines > 1)) return undefined;
      const ends = {
        crlf: top.split('\r\n').length - 1,
        lf: top.split('\n').length - 1,
        cr: top.split('\r').length - 1,
      };
      const kinds = [stats.crlf + ends.crlf, stats.lf + ends.lf - ends.crlf, stats.cr + ends.cr - ends.crlf];
      return kinds.filter((n) => n > 0).length > 1 ? undefined : lines;
    }
  }
  return undefined;
}

/** Discovery of delimited text: encoding, dialect, header and footer from the bytes; types from the rows, read as a run would read them. */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { GranaryError } from '../../lib/errors.ts';
import { ident, join, raw, sql } from '../../lib/sql.ts';
import type { DiscoveredColumn, DiscoverInput, Discovery } from '../../ports/format.ts';
import { type Inferred, inferColumns } from '../lib/infer.ts';
import { type CsvConfig, completeConfig } from './config.ts';
import { countCsv } from './count.ts';
import { type Dialect, guessDialect, type SampleRecord } from './discover-dialect.ts';
import { guessFooter, guessHeader } from './discover-header.ts';
import { beginning, discoverEncoding, ending, plainSample } from './discover-sample.ts';
import { readHeader } from './header.ts';
import { readCsv } from './read.ts';

/** Settings that the user has made stand; the others are found. Throws `format.empty` for a file without content. */
export async function discoverCsv(input: DiscoverInput<CsvConfig>): Promise<Discovery<CsvConfig>> {
  const scratch = await mkdtemp(`${tmpdir()}/granary-discover-`);
  try {
    const notes: string[] = [];
    const encoding = await discoverEncoding(input, notes);
    const { path, complete } = await plainSample(input, encoding ?? 'utf-8', scratch);
    const text = await beginning(path);
    if (text.trim() === '') {
      throw new GranaryError('format.empty', `${input.name} has no content.`, { where: { file: input.name } });
    }
    const dialect = guessDialect(text, input.config);
    const last = await ending(input.path, encoding ?? 'utf-8', dialect);
    const found = { ...(encoding && { encoding }), ...dialectSettings(input, dialect, last, notes) };
    const config = completeConfig({
      ...found,
      ...input.config,
      encoding: 'utf-8',
      ...(!complete && { footer_lines: 0 }),
    });
    const inferred = await inferRows({ ...input, path }, config, dialect, scratch);
    if (inferred.rejected > 0) notes.push(`${inferred.rejected} records would be rejected for their structure.`);
    const values = valueSettings(inferred);
    return {
      config: withoutGiven({ ...found, ...values }, input.config),
      columns: inferred.columns.map((c) => discoveredColumn(c, { ...values, ...input.config })),
      rowsSeen: inferred.rows,
      notes: [...notes, ...inferred.notes],
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** How the file writes values, where all its columns agree. */
function valueSettings({ columns, nullValues }: Inferred): Partial<CsvConfig> {
  const comma = columns.some((c) => c.decimal === ',');
  const point = columns.some((c) => !c.decimal && /^(decimal|double)/.test(c.type));
  const groups = new Set(columns.flatMap((c) => c.thousands ?? []));
  const [thousands] = groups;
  return {
    ...(comma && !point && { decimal: ',' as const }),
    ...(thousands && groups.size === 1 && !(comma && point) && { thousands }),
    ...(nullValues.length > 0 && { null_values: ['', ...nullValues] }),
  };
}

/** A decimal comma that the whole file has is no matter of the column. */
function discoveredColumn(column: Inferred['columns'][number], config: Partial<CsvConfig>): DiscoveredColumn {
  const { thousands: _, decimal, ...rest } = column;
  return decimal && config.decimal !== ',' ? { ...rest, decimal } : rest;
}

function withoutGiven(found: Partial<CsvConfig>, given: Partial<CsvConfig>): Partial<CsvConfig> {
  const isGiven = (key: string) => given[key as keyof CsvConfig] !== undefined;
  return Object.fromEntries(Object.entries(found).filter(([key]) => !isGiven(key)));
}

/** Settings for what is around the rows and how they are cut. */
function dialectSettings(
  { config: given }: DiscoverInput<CsvConfig>,
  dialect: Dialect,
  last: SampleRecord[],
  notes: string[],
): Partial<CsvConfig> {
  const { delimiter, quote, preamble, comment, width, records } = dialect;
  const settings: Partial<CsvConfig> = {};
  if (delimiter !== ',') settings.delimiter = delimiter;
  if (quote !== '"') settings.quote = quote;
  if (comment) settings.comment = comment;
  else if (preamble > 0) settings.skip_lines = preamble;
  const footer = guessFooter(last, width, records);
  if (footer > 0) {
    settings.footer_lines = footer;
    notes.push(`The last ${footer === 1 ? 'record looks' : `${footer} records look`} like a footer and not like data.`);
  }
  const { header, unsure } = guessHeader(records);
  if (!header) settings.header = false;
  if (unsure && given.header === undefined && records.length > 0) {
    notes.push(
      'Nothing shows whether the first record has the names of the columns: it was taken for data. If it has, set `header: true`.',
    );
  }
  if (width === 1) notes.push('It has one column, or a delimiter that is not known: set `delimiter` if it has more.');
  noteRagged(records, footer, width, notes);
  const values = records
    .slice(1)
    .flatMap((r) => r.fields)
    .filter((v) => v.trim() !== '');
  if (values.filter((v) => v !== v.trim()).length > values.length / 10) settings.trim = true;
  return settings;
}

function noteRagged(records: SampleRecord[], footer: number, width: number, notes: string[]): void {
  const data = records.slice(0, records.length - footer);
  const short = data.filter((r) => r.fields.length < width).length;
  const long = data.filter((r) => r.fields.length > width).length;
  const says = (n: number, which: string, setting: string) =>
    `${n} of the first ${data.length} records have ${which} fields than the others and would be rejected; \`ragged: ${setting}\` takes them.`;
  if (short > 0) notes.push(says(short, 'fewer', 'pad'));
  if (long > 0) notes.push(says(long, 'more', 'truncate'));
}

/** Reads the rows as text, exactly as a run reads them, and looks at their values. */
async function inferRows(
  input: DiscoverInput<CsvConfig>,
  config: CsvConfig,
  dialect: Dialect,
  scratch: string,
): Promise<Inferred & { rejected: number }> {
  const { engine, path } = input;
  const counter = countCsv(config);
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) counter.push(chunk as Buffer);
  const { facts, index } = await counter.finish(path);
  const header = await readHeader({ path, config });
  const names = header ?? Array.from({ length: dialect.width }, (_, i) => `column_${i + 1}`);
  const columns = names.map((source, position) => ({ source, position, type: 'text' as const, asText: true }));
  for (const [i, attempt] of (
    await readCsv({ engine, path, config, columns, facts, index, scratch: await mkdtemp(`${scratch}/read-`), header })
  ).entries()) {
    const relation = await attempt.prepare();
    const staged = ident(`_discover_${i}`);
    await engine.run(
      sql`CREATE OR REPLACE TEMP TABLE ${staged} AS SELECT ${join(columns.map((_, c) => ident(`c${c}`)))} FROM ${raw(relation.sql)}`,
    );
    try {
      const [{ n }] = (await engine.all<{ n: number }>(sql`SELECT count(*) AS n FROM ${staged}`)) as [{ n: number }];
      const settled = await attempt.settle(n);
      if (settled !== 'mismatch')
        return { ...(await inferColumns(engine, staged.text, names)), rejected: settled.rejected };
    } finally {
      await engine.run(sql`DROP TABLE ${staged}`);
    }
  }
  throw new GranaryError('curate.failed', `The records of ${input.name} could not be accounted for.`, {
    where: { file: input.name },
  });
}

/** Columns, types and notes proposed from text: what the discovery of every text format has in common. Deterministic. */
import { ident, join, literal, raw, sql } from '../../lib/sql.ts';
import type { ColumnType } from '../../model/schema.ts';
import type { Engine } from '../../ports/engine.ts';
import type { DiscoveredColumn } from '../../ports/format.ts';
import { type ColumnProfile, NULL_WORDS, profileColumns } from './column-profile.ts';
import { dateFormats, formatPattern, hasTime, swapDayMonth } from './date-shapes.ts';
import { type Guess, guessType, numberHabits } from './guess-type.ts';

export interface Inferred {
  columns: (DiscoveredColumn & { thousands?: ',' | '.' })[];
  rows: number;
  notes: string[];
  /** Spellings of missing values that occur in columns that are not text, as they stand. */
  nullValues: string[];
}

const EXAMPLE_ROWS = 1000;
const EXAMPLES = 3;
const EXAMPLE_LENGTH = 80;

/** `relation`: a table expression with text columns `c0`, `c1`…, one for each name. It is scanned a few times, in order. */
export async function inferColumns(engine: Engine, relation: string, names: readonly string[]): Promise<Inferred> {
  if (names.length === 0) return { columns: [], rows: 0, notes: [], nullValues: [] };
  const profiles = await profileColumns(engine, relation, names.length);
  const first = await firstValues(engine, relation, names.length);
  const habits = numberHabits(profiles);
  const guesses: (Guess & { format?: string })[] = profiles.map((p) => guessType(p, habits) ?? { type: 'text' });
  const notes: string[] = [];
  await guessDates(engine, relation, { names, profiles, guesses, first, notes });
  const unique = await uniqueColumns(engine, relation, profiles, first);
  const nullValues = await nullSpellings(engine, relation, profiles, guesses);
  const columns = names.map((source, i) => {
    const { type, decimal, thousands, format } = guesses[i]!;
    const profile = profiles[i]!;
    const missing = profile.missing + (type === 'text' ? 0 : profile.nullWords);
    return {
      source,
      type,
      nullable: missing > 0 || profile.rows === 0,
      unique: unique.has(i),
      ...(format && { format }),
      ...(decimal && { decimal }),
      ...(thousands && { thousands }),
      examples: examplesOf(first[i]!),
    };
  });
  for (const [i, { note }] of guesses.entries()) if (note) notes.push(`${names[i]}: ${note}`);
  return { columns, rows: profiles[0]!.rows, notes, nullValues };
}

/** Days written without separators are dates only where the name says so; years and other numbers look the same. */
const NAMES_OF_DATES = /dat|day|tag|jour|fecha|dia|giorno|_dt|_at|time/i;

interface DateSearch {
  names: readonly string[];
  profiles: ColumnProfile[];
  guesses: (Guess & { format?: string })[];
  first: string[][];
  notes: string[];
}

/** Finds dates that are not ISO, and settles day/month against month/day by what the whole file shows. */
async function guessDates(engine: Engine, relation: string, search: DateSearch): Promise<void> {
  const { names, profiles, guesses, first, notes } = search;
  const fitting: Map<number, string[]> = new Map();
  for (const [i, profile] of profiles.entries()) {
    const compact = ['integer', 'bigint'].includes(guesses[i]!.type) && NAMES_OF_DATES.test(names[i]!);
    const isText = guesses[i]!.type === 'text' && guesses[i]!.note === undefined;
    const example = first[i]!.find((v) => !NULL_WORDS.includes(v.toLowerCase()));
    if (!(isText || compact) || example === undefined || profile.values === 0) continue;
    const formats = await formatsOfAll(engine, relation, i, dateFormats(example), profile.values);
    if (formats.length > 0) fitting.set(i, formats);
  }
  const sure = [...fitting.values()]
    .filter((formats) => formats.length === 1 && /%[dm].%[dm]/.test(formats[0]!))
    .map((f) => f[0]!);
  const dayFirst = sure.some((f) => f.indexOf('%d') < f.indexOf('%m'));
  const monthFirst = sure.some((f) => f.indexOf('%m') < f.indexOf('%d') && f.indexOf('%Y') !== 0);
  for (const [i, formats] of fitting) {
    const format = formats.length === 1 ? formats[0]! : chooseOrder(formats, dayFirst, monthFirst);
    if (format) guesses[i] = { type: typeOfFormat(format), format };
    if (formats.length > 1) notes.push(ambiguity(names[i]!, formats[0]!, format));
  }
}

function chooseOrder(formats: string[], dayFirst: boolean, monthFirst: boolean): string | undefined {
  if (dayFirst === monthFirst) return undefined;
  return formats.find((f) => f.indexOf('%d') < f.indexOf('%m') === dayFirst);
}

function ambiguity(name: string, format: string, chosen: string | undefined): string {
  const both = `${name}: every value can be read as day/month and as month/day`;
  return chosen
    ? `${both}; "${chosen}" was taken because other columns of the file are written so. Check it.`
    : `${both}: it is text until you set its type and \`format: "${format}"\` or \`"${swapDayMonth(format)}"\`.`;
}

function typeOfFormat(format: string): ColumnType {
  return hasTime(format) ? 'timestamp' : 'date';
}

/** Which of the formats all values of a column are in. */
async function formatsOfAll(
  engine: Engine,
  relation: string,
  column: number,
  formats: string[],
  values: number,
): Promise<string[]> {
  if (formats.length === 0) return [];
  const v = raw('v');
  const counts = formats.map(
    (f, i) =>
      sql`count_if(regexp_full_match(${v}, ${literal(formatPattern(f))}) AND try_strptime(${v}, ${literal(f)}) IS NOT NULL) AS ${ident(`f${i}`)}`,
  );
  const words = join(NULL_WORDS.map((w) => literal(w)));
  const [row] = await engine.all<Record<string, number>>(
    sql`SELECT ${join(counts)} FROM (SELECT trim(${ident(`c${column}`)}) AS v FROM ${raw(relation)}) WHERE v <> '' AND lower(v) NOT IN (${words})`,
  );
  return formats.filter((_, i) => row![`f${i}`] === values);
}

/** Non-empty values of the first rows, by column, blanks removed. */
async function firstValues(engine: Engine, relation: string, columns: number): Promise<string[][]> {
  const rows = await engine.all<Record<string, string | null>>(
    sql`SELECT * FROM ${raw(relation)} LIMIT ${EXAMPLE_ROWS}`,
  );
  return Array.from({ length: columns }, (_, i) => rows.map((r) => r[`c${i}`]?.trim() ?? '').filter((v) => v !== ''));
}

function examplesOf(values: string[]): string[] {
  const distinct = [...new Set(values)].slice(0, EXAMPLES);
  return distinct.map((v) => (v.length > EXAMPLE_LENGTH ? `${v.slice(0, EXAMPLE_LENGTH - 1)}…` : v));
}

/** Columns without a missing or repeated value. Only those whose first rows allow it are counted. */
async function uniqueColumns(
  engine: Engine,
  relation: string,
  profiles: ColumnProfile[],
  first: string[][],
): Promise<Set<number>> {
  const candidates = profiles.flatMap((p, i) => {
    const seen = first[i]!;
    return p.rows > 0 && p.missing + p.nullWords === 0 && new Set(seen).size === seen.length ? [i] : [];
  });
  if (candidates.length === 0) return new Set();
  const counts = candidates.map((i) => sql`count(DISTINCT trim(${ident(`c${i}`)})) AS ${ident(`n${i}`)}`);
  const [row] = await engine.all<Record<string, number>>(sql`SELECT ${join(counts)} FROM ${raw(relation)}`);
  return new Set(candidates.filter((i) => row![`n${i}`] === profiles[i]!.rows));
}

async function nullSpellings(
  engine: Engine,
  relation: string,
  profiles: ColumnProfile[],
  guesses: Guess[],
): Promise<string[]> {
  const typed = profiles.flatMap((p, i) => (p.nullWords > 0 && guesses[i]!.type !== 'text' ? [ident(`c${i}`)] : []));
  if (typed.length === 0) return [];
  const words = join(NULL_WORDS.map((w) => literal(w)));
  const queries = typed.map(
    (c) => sql`SELECT trim(${c}) AS v FROM ${raw(relation)} WHERE lower(trim(${c})) IN (${words})`,
  );
  const rows = await engine.all<{ v: string }>(
    sql`SELECT DISTINCT v FROM (${join(queries, ' UNION ALL ')}) ORDER BY v`,
  );
  return rows.map((r) => r.v);
}

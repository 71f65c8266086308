/** What the values of text columns look like, counted by the engine in few passes over any number of rows. */
import { ident, join, literal, raw, type Sql, sql } from '../../lib/sql.ts';
import type { Engine } from '../../ports/engine.ts';

/** Counts over the values of one column, blanks around them removed. Every shape counts whole values. */
export interface ColumnProfile {
  rows: number;
  /** Missing, empty, or blank. */
  missing: number;
  /** Values that people write for a missing one: `NULL`, `n/a`… They are in none of the counts below. */
  nullWords: number;
  /** All other values. */
  values: number;
  /** `-12`, without leading zeros. */
  whole: number;
  /** `007` */
  zeroLed: number;
  /** `1.50` */
  point: number;
  /** `1,50` */
  comma: number;
  /** `1,234` or `1,234.50` */
  commaGroups: number;
  /** Of those the ones that can be read as a decimal comma too: `1,234`. */
  commaEither: number;
  /** `1.234` or `1.234,50` */
  pointGroups: number;
  /** Of those the ones that can be read as a decimal point too: `1.234`. */
  pointEither: number;
  /** Anything that is a number, with an exponent too. */
  number: number;
  /** Most digits before and after a decimal point, and a decimal comma. */
  pointDigits: number;
  pointScale: number;
  commaDigits: number;
  commaScale: number;
  notInteger: number;
  boolean: number;
  isoDate: number;
  isoTimestamp: number;
  isoInstant: number;
  time: number;
  uuid: number;
  json: number;
  longest: number;
}

/** Spellings of a missing value that are taken for one where all other values are of a type. Compared in lower case. */
export const NULL_WORDS = ['null', '\\n', 'n/a', 'na', '#n/a', 'nan', 'none', 'nil', '-', '--', '?', '(null)'];

const SHAPES: Record<string, string> = {
  whole: '-?(0|[1-9][0-9]*)',
  zeroLed: '0[0-9]+',
  point: '-?[0-9]*\\.[0-9]+',
  comma: '-?[0-9]+,[0-9]+',
  commaGroups: '-?[1-9][0-9]{0,2}(,[0-9]{3})+(\\.[0-9]+)?',
  commaEither: '-?[1-9][0-9]{0,2},[0-9]{3}',
  pointGroups: '-?[1-9][0-9]{0,2}(\\.[0-9]{3})+(,[0-9]+)?',
  pointEither: '-?[1-9][0-9]{0,2}\\.[0-9]{3}',
  number: '-?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?',
  time: '([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]+)?)?',
  uuid: '[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}',
};

const DAY = '[0-9]{4}-[0-9]{2}-[0-9]{2}';
const MOMENT = `${DAY}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,9})?)?`;

/** Columns that one statement profiles: a statement over thousands takes the planner longer than the rows take the engine. */
const COLUMNS_AT_ONCE = 40;

/** `relation`: a table expression with text columns `c0`, `c1`…; it is scanned once for every 40 columns. */
export async function profileColumns(engine: Engine, relation: string, columns: number): Promise<ColumnProfile[]> {
  const profiles: ColumnProfile[] = [];
  for (let from = 0; from < columns; from += COLUMNS_AT_ONCE) {
    const names = Array.from({ length: Math.min(COLUMNS_AT_ONCE, columns - from) }, (_, i) => `c${from + i}`);
    const [row] = await engine.all<Record<string, ColumnProfile>>(profileSql(relation, names));
    for (const name of names) profiles.push(numbersOf(row![name]!));
  }
  return profiles;
}

/** Counts inside a struct come as text. */
function numbersOf(profile: ColumnProfile): ColumnProfile {
  return Object.fromEntries(Object.entries(profile).map(([k, v]) => [k, Number(v ?? 0)])) as unknown as ColumnProfile;
}

/** Pure; exported for its test. */
export function profileSql(relation: string, names: string[]): string {
  const value = (name: string) => ident(`${name}_value`);
  const trimmed = names.map((n) => sql`nullif(trim(${ident(n)}), '') AS ${ident(n)}`);
  const values = names.map(
    (n) =>
      sql`${ident(n)}, CASE WHEN lower(${ident(n)}) IN (${join(NULL_WORDS.map((w) => literal(w)))}) THEN NULL ELSE ${ident(n)} END AS ${value(n)}`,
  );
  const structs = names.map((n) => sql`${profileStruct(ident(n), value(n))} AS ${ident(n)}`);
  return sql`SELECT ${join(structs, ',\n  ')} FROM (SELECT ${join(values)} FROM (SELECT ${join(trimmed)} FROM ${raw(relation)}))`;
}

function profileStruct(present: Sql, v: Sql): Sql {
  const matching = (pattern: string) => raw(sql`regexp_full_match(${v}, ${literal(pattern)})`);
  const counted = (condition: Sql | string) => sql`count_if(${raw(String(condition))})`;
  const digits = raw(sql`length(regexp_replace(${v}, '[^0-9]', '', 'g'))`);
  const scale = (sign: string) => raw(sql`length(regexp_extract(${v}, ${literal(`[${sign}]([0-9]+)$`)}, 1))`);
  const fields: Record<string, string> = {
    rows: 'count(*)',
    missing: sql`count(*) - count(${present})`,
    nullWords: sql`count(${present}) - count(${v})`,
    values: sql`count(${v})`,
    ...Object.fromEntries(Object.entries(SHAPES).map(([name, pattern]) => [name, counted(matching(pattern))])),
    pointDigits: sql`max(${digits} - ${scale('.')})`,
    pointScale: sql`max(${scale('.')})`,
    commaDigits: sql`max(${digits} - ${scale(',')})`,
    commaScale: sql`max(${scale(',')})`,
    notInteger: counted(sql`${v} IS NOT NULL AND TRY_CAST(${v} AS INTEGER) IS NULL`),
    boolean: counted(sql`lower(${v}) IN ('true', 'false')`),
    isoDate: counted(sql`${matching(DAY)} AND TRY_CAST(${v} AS DATE) IS NOT NULL`),
    isoTimestamp: counted(sql`${matching(MOMENT)} AND TRY_CAST(${v} AS TIMESTAMP) IS NOT NULL`),
    isoInstant: counted(
      sql`${matching(`${MOMENT} ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)`)} AND TRY_CAST(${v} AS TIMESTAMPTZ) IS NOT NULL`,
    ),
    json: counted(sql`${matching('(?s)[\\[{].*[\\]}]')} AND json_valid(${v})`),
    longest: sql`max(length(${v}))`,
  };
  return raw(sql`struct_pack(${join(Object.entries(fields).map(([name, e]) => sql`${ident(name)} := ${raw(e)}`))})`);
}

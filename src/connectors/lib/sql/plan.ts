/** Which columns are selected from a table or query, and the statements for it. */
import { GranaryError } from '../../../lib/errors.ts';
import { nearest } from '../../../lib/nearest.ts';
import type { ColumnType } from '../../../model/schema.ts';
import type { ExtractDataset } from '../../../ports/extract.ts';
import type { SourceColumn, SqlDatabase, SqlDialect, TableFacts, TableName } from './database.ts';
import { readsSeveral, tellsDeleted } from './describe.ts';
import { DELETED_COLUMN, TABLE_COLUMN } from './landed.ts';
import type { SqlRead } from './read.ts';

export interface Plan {
  facts: TableFacts;
  /** Names in the header, in order. */
  header: string[];
  /** What is selected for them, with `copy`. */
  expressions: string[];
  key: SourceColumn[];
  watermark: SourceColumn[];
  sums: { column: SourceColumn; name: string }[];
  /** What stands after FROM. */
  from: string;
}

/** Columns that land: those of the contract, and the connector's where the contract does not have them. One for each name at the source. */
export function landedColumns(dataset: ExtractDataset<SqlRead>): { from: string; type: ColumnType }[] {
  const found = new Map(dataset.columns.map((c) => [c.from, { from: c.from, type: c.type }]));
  if (readsSeveral(dataset.read) && !found.has(TABLE_COLUMN))
    found.set(TABLE_COLUMN, { from: TABLE_COLUMN, type: 'text' });
  if (tellsDeleted(dataset.read) && !found.has(DELETED_COLUMN))
    found.set(DELETED_COLUMN, { from: DELETED_COLUMN, type: 'boolean' });
  return [...found.values()];
}

export interface Wanted {
  /** '' for a query. */
  title: string;
  name: TableName | undefined;
}

/** Reading all rows: for a query, from the lowest watermark on. Error: `connector.not_found` for a table or column that is not there. */
export async function planFor(
  database: SqlDatabase,
  dataset: ExtractDataset<SqlRead>,
  { title, name }: Wanted,
): Promise<Plan> {
  if (name) return planOf(dataset, await database.facts(name), title, database.dialect);
  const query = dataset.read.query!;
  const plan = planOf(dataset, await database.queryFacts(queryText(query, 'NULL')), title, database.dialect);
  plan.from = queryFrom(query, startOf(database, plan, undefined));
  return plan;
}

/** Below every time; numbers have their own. */
const FIRST_TIME = '1000-01-01 00:00:00';
const FIRST_NUMBER = '-9223372036854775808';

/** What `:watermark` stands for; `from` undefined: everything is read. */
export function startOf({ dialect }: SqlDatabase, { watermark: [column] }: Plan, from: string | undefined): string {
  if (!column) return 'NULL';
  const isNumber = /^(integer|bigint|decimal|double)/.test(column.type);
  return dialect.value(from ?? (isNumber ? FIRST_NUMBER : FIRST_TIME), column);
}

function planOf(dataset: ExtractDataset<SqlRead>, facts: TableFacts, title: string, dialect: SqlDialect): Plan {
  const { read } = dataset;
  const find = (name: string) => columnOf(facts, name, title);
  const columns = landedColumns(dataset);
  const expressions = columns.map(({ from, type }) => {
    if (from === TABLE_COLUMN && readsSeveral(read)) return dialect.text(title);
    if (from === DELETED_COLUMN && tellsDeleted(read)) return dialect.flag(read.deleted ?? '1 = 0');
    const column = find(from);
    return dialect.copied(dialect.ident(column.name), column, type);
  });
  return {
    facts,
    header: columns.map((c) => c.from),
    expressions,
    key: (read.key?.length ? read.key : facts.key).map(find),
    watermark: (read.watermark ?? []).map(find),
    sums: (read.sums ?? []).map((name) => sumOf(dataset, find(name))),
    from: facts.name ? dialect.ident(...facts.name) : '',
  };
}

/** Exactly, or else without regard to case. */
export function columnOf({ columns }: TableFacts, name: string, title: string): SourceColumn {
  const exact = columns.find((c) => c.name === name);
  if (exact) return exact;
  const alike = columns.filter((c) => c.name.toLowerCase() === name.toLowerCase());
  if (alike.length === 1) return alike[0]!;
  const guess = nearest(
    name,
    columns.map((c) => c.name),
  );
  throw new GranaryError('connector.not_found', `${title || 'The query'} has no column "${name}"`, {
    hint: guess ? `Is "${guess}" meant?` : `It has ${columns.map((c) => c.name).join(', ')}.`,
  });
}

function sumOf(dataset: ExtractDataset<SqlRead>, column: SourceColumn): Plan['sums'][number] {
  const landed = dataset.columns.find((c) => c.from.toLowerCase() === column.name.toLowerCase());
  if (landed && /^(integer|bigint|decimal)/.test(column.type)) return { column, name: landed.name };
  const why = landed ? `is a ${column.native}, which has no exact sum` : 'is not in the contract';
  throw new GranaryError('config.invalid', `The sum of ${column.name} cannot be compared: the column ${why}.`, {
    hint: 'Take it out of sums.',
  });
}

/** `where` of the user, and further conditions. */
export function whereOf(conditions: readonly (string | undefined)[]): string {
  const given = conditions.filter((c) => c !== undefined);
  return given.length === 0 ? '' : ` WHERE ${given.map((c) => `(${c})`).join(' AND ')}`;
}

/** The query of the user with the value from which is read. */
export function queryFrom(query: string, value: string): string {
  return `(${queryText(query, value)}\n) ${QUERY_ALIAS}`;
}

const queryText = (query: string, value: string): string =>
  query
    .trim()
    .replace(/;\s*$/, '')
    .replace(/:watermark\b/g, () => value);
const QUERY_ALIAS = 'granary_query';

/** Values of some columns as they land. */
export function selectLanded(dialect: SqlDialect, columns: readonly SourceColumn[]): string {
  return columns.map((c) => dialect.landed(dialect.ident(c.name), c, c.type)).join(', ');
}

/** Captured datasets with what the catalog says about their tables, asked once and kept. */
import { GranaryError } from '../../../lib/errors.ts';
import type { ExtractDataset } from '../../../ports/extract.ts';
import type { SourceColumn, TableFacts } from '../../lib/sql/database.ts';
import { CHANGED_AT, DELETED_COLUMN, OPERATION, POSITION } from '../../lib/sql/landed.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { parseTableName } from '../../lib/sql/table-name.ts';
import type { MysqlDatabase } from '../database.ts';
import { text } from '../dialect.ts';
import { logStatus } from './asking.ts';
import { flavourOf } from './flavour.ts';
import { type Ancestry, ancestryOf } from './foreign-keys.ts';
import type { FollowedTable } from './incidents.ts';
import { shapeOf } from './position.ts';

export const OWN_COLUMNS = [OPERATION, DELETED_COLUMN, CHANGED_AT, POSITION];

export interface CapturedTable {
  dataset: string;
  /** As the server calls it. */
  database: string;
  table: string;
  facts: TableFacts;
  /** Names in the header of what lands. */
  header: string[];
  /** Of the contract, without the connector's own columns. */
  columns: {
    from: string;
    type: ExtractDataset<SqlRead>['columns'][number]['type'];
    column: SourceColumn | undefined;
  }[];
  key: readonly string[];
  shape: string;
  /** Of foreign keys that change rows here without telling the log. */
  ancestry: Ancestry;
}

/** Error: `connector.not_found` when there is no such table. */
export async function capturedTable(database: MysqlDatabase, dataset: ExtractDataset<SqlRead>): Promise<CapturedTable> {
  const given = parseTableName(dataset.read.changes!)!.map((part) => part.text);
  const facts = await database.facts(given);
  const [databaseName, table] = await namesOf(database, facts);
  await checkLogged(database, databaseName, table);
  for (const name of dataset.read.key ?? []) {
    if (columnNamed(facts, name)) continue;
    throw new GranaryError(
      'connector.not_found',
      `${facts.name!.join('.')} has no column "${name}", which is in the key of ${dataset.name}.`,
      {
        hint: `It has ${facts.columns.map((c) => c.name).join(', ')}.`,
      },
    );
  }
  const names = [...new Set([...dataset.columns.map((c) => c.from), ...OWN_COLUMNS])];
  const columns = dataset.columns
    .filter((c, i, all) => !OWN_COLUMNS.includes(c.from) && all.findIndex((d) => d.from === c.from) === i)
    .map(({ from, type }) => ({ from, type, column: columnNamed(facts, from) }));
  checkForms(database, dataset.name, columns);
  return {
    dataset: dataset.name,
    database: databaseName,
    table,
    facts,
    header: names,
    columns,
    key: dataset.read.key ?? [],
    shape: shapeOf(columns.flatMap(({ column }) => (column ? [column] : []))),
    ancestry: await ancestryOf(database, databaseName, table),
  };
}

function checkForms({ endpoint }: MysqlDatabase, dataset: string, columns: CapturedTable['columns']): void {
  const compressed = columns.filter(({ column }) => column && /\bCOMPRESSED\b/i.test(column.native)).map((c) => c.from);
  if (compressed.length === 0) return;
  throw new GranaryError(
    'connector.unsupported',
    `${endpoint}: changes of ${dataset} cannot be captured: its columns ${compressed.join(', ')} are compressed.`,
    { hint: 'Make them ordinary ones (ALTER TABLE … MODIFY), or leave them out of the contract.' },
  );
}

/** As the server calls it, and its log: where case does not matter in names, others may be given. Error: `connector.unsupported` for what is no table. */
async function namesOf(database: MysqlDatabase, facts: TableFacts): Promise<[database: string, table: string]> {
  const [name, table] = facts.name as [string, string];
  const [[kind, ...names] = []] = await database.query(
    `describing ${name}.${table}`,
    `SELECT table_type, table_schema, table_name FROM information_schema.tables WHERE table_schema = ${text(name)} AND table_name = ${text(table)}`,
  );
  if (kind === 'BASE TABLE') return names as [string, string];
  const what =
    kind === 'VIEW'
      ? 'a view, and the log has changes of tables only'
      : `${kind?.toLowerCase()}, whose log has old rows as well`;
  throw new GranaryError(
    'connector.unsupported',
    `${database.endpoint}: changes of ${name}.${table} cannot be captured: it is ${what}.`,
    {
      hint: 'Read it with "table" and a watermark.',
    },
  );
}

/** Rows of some databases may be kept out of the log by its settings. */
async function checkLogged(database: MysqlDatabase, name: string, table: string): Promise<void> {
  const [, , only, without] = await logStatus(database, flavourOf(database));
  const names = (list: string | null | undefined) => (list ?? '').split(',').filter(Boolean);
  const isLeftOut = names(without).includes(name) || (names(only).length > 0 && !names(only).includes(name));
  if (!isLeftOut) return;
  throw new GranaryError(
    'connector.unsupported',
    `${database.endpoint}: changes of ${name}.${table} cannot be captured: the server keeps ${name} out of its binary log.`,
    { hint: 'Take binlog_ignore_db and binlog_do_db out of its configuration, and restart it.' },
  );
}

/** Exactly, or else without regard to case. */
export function columnNamed({ columns }: TableFacts, name: string): SourceColumn | undefined {
  return columns.find((c) => c.name === name) ?? columns.find((c) => c.name.toLowerCase() === name.toLowerCase());
}

/** How rows of the log become lines of the dataset. */
export function followed(
  table: CapturedTable,
  zeroDates: 'reject' | 'null' | 'text',
  encodingOf: FollowedTable['landing']['encodingOf'],
): FollowedTable {
  const { dataset, header, key } = table;
  const types = new Map(table.columns.map(({ column, type }) => [column?.name, type]));
  const natives = new Map(table.facts.columns.map((c) => [c.name, c.native]));
  const known = (column: string) => ({
    native: natives.get(column),
    zeroDatesNull: zeroDates === 'null' && types.get(column) !== 'text',
  });
  return {
    dataset,
    database: table.database,
    table: table.table,
    landing: { header, key, encodingOf, known },
    ancestors: table.ancestry.ancestors,
  };
}

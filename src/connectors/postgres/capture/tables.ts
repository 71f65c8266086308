/** Captured datasets with what the catalog says about their tables, and whether their changes can be told. */
import { GranaryError } from '../../../lib/errors.ts';
import type { ColumnType } from '../../../model/schema.ts';
import type { ExtractDataset } from '../../../ports/extract.ts';
import type { TableName } from '../../lib/sql/database.ts';
import { CHANGED_AT, DELETED_COLUMN, OPERATION, POSITION } from '../../lib/sql/landed.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { parseTableName } from '../../lib/sql/table-name.ts';
import type { PostgresDatabase } from '../database.ts';
import { postgresDialect } from '../dialect.ts';
import { contractOf, shortHash, type TableForm, type TableState } from './position.ts';
import { unfit } from './server.ts';
import { isOfOneTable } from './troubles.ts';

const { ident, text } = postgresDialect;
export const OWN_COLUMNS = [OPERATION, DELETED_COLUMN, CHANGED_AT, POSITION];

export interface CapturedTable {
  dataset: string;
  /** Schema and table. */
  name: TableName;
  oid: number;
  isPartitioned: boolean;
  /** The entry in the publication; '' when there is none. */
  member: string;
  form: TableForm;
  contract: string;
  /** Names in the header of what lands. */
  header: string[];
  /** Of the contract, without the connector's own columns; one for each name at the source. */
  columns: { from: string; type: ColumnType }[];
  key: readonly string[];
}

/** What the catalog says of one table. */
interface Described {
  schema: string;
  table: string;
  oid: number;
  kind: string;
  persistence: string;
  identity: string;
  member: string;
  leaves: string;
  /** Partitions that identify rows in another way. */
  others: string[];
  /** Partitions whose changes are not in the log: foreign and unlogged ones. */
  unlogged: string[];
  heirs: number;
  identified: string[];
  large: string[];
  generated: string[];
  columns: string[];
  /** Columns that the user may not read. */
  hidden: string[];
  /** The user sees only some of the rows. */
  secured: boolean;
  /** Number and version of the description, of each column. */
  attributes: [number: number, version: string][];
  file: string;
  published: { names: string[] | null; filter: string | null } | null;
}

export interface FoundTables {
  tables: CapturedTable[];
  /** By dataset: `connector.not_found`, `connector.denied`, `connector.unsupported` with the SQL that helps. */
  troubles: Map<string, GranaryError>;
}

/** All of them in one query: it is asked at every extraction. */
export async function capturedTables(
  database: PostgresDatabase,
  datasets: readonly ExtractDataset<SqlRead>[],
  publication: string,
): Promise<FoundTables> {
  const names = datasets.map((d) =>
    parseTableName(d.read.changes!)!
      .map((part) => part.text)
      .slice(-2),
  );
  const values = names
    .map((name, i) => `(${i}, ${name.length > 1 ? text(name[0]!) : 'NULL'}, ${text(name.at(-1)!)})`)
    .join(', ');
  const rows = await database.query('describing the tables', describeSql(values, text(publication)));
  const found = new Map(rows.map(([place, json]) => [Number(place), JSON.parse(json!) as Described]));
  const tables: CapturedTable[] = [];
  const troubles = new Map<string, GranaryError>();
  for (const [i, dataset] of datasets.entries()) {
    try {
      const described = found.get(i) ?? (await missing(database, names[i]!));
      check(database, dataset, described);
      tables.push(tableOf(dataset, described));
    } catch (e) {
      if (!isOfOneTable(e)) throw e;
      troubles.set(dataset.name, e);
    }
  }
  return { tables, troubles };
}

async function missing(database: PostgresDatabase, name: TableName): Promise<never> {
  // It tells the nearest name.
  await database.facts(name);
  throw new GranaryError('connector.not_found', `${database.endpoint} has no table ${name.join('.')}.`);
}

const describeSql = (values: string, publication: string): string => `
  SELECT w.place, pg_catalog.json_build_object(
    'schema', n.nspname, 'table', c.relname, 'oid', c.oid::bigint, 'kind', c.relkind, 'persistence', c.relpersistence,
    'identity', c.relreplident,
    'member', coalesce((SELECT r.oid::text FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid),
      (SELECT 'all' FROM pg_catalog.pg_publication_tables t
        WHERE t.pubname = p.pubname AND t.schemaname = n.nspname AND t.tablename = c.relname), ''),
    'leaves', CASE WHEN c.relkind = 'p' THEN (SELECT pg_catalog.md5(coalesce(pg_catalog.string_agg(
        l.relid::oid || ':' || pg_catalog.pg_relation_filenode(l.relid), ',' ORDER BY l.relid::oid), ''))
      FROM pg_catalog.pg_partition_tree(c.oid) l WHERE l.isleaf) ELSE '' END,
    'others', ARRAY(SELECT l.relid::text FROM pg_catalog.pg_partition_tree(c.oid) l JOIN pg_catalog.pg_class k ON k.oid = l.relid
      WHERE c.relkind = 'p' AND l.isleaf AND k.relreplident <> c.relreplident),
    'unlogged', ARRAY(SELECT l.relid::text FROM pg_catalog.pg_partition_tree(c.oid) l JOIN pg_catalog.pg_class k ON k.oid = l.relid
      WHERE c.relkind = 'p' AND l.isleaf AND (k.relkind NOT IN ('r', 'p') OR k.relpersistence <> 'p')),
    'heirs', (SELECT count(*) FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid AND c.relkind = 'r'),
    'identified', ARRAY(SELECT a.attname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
      WHERE i.indrelid = c.oid AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END
        AND i.indimmediate AND i.indisvalid AND a.attnum = ANY (i.indkey)),
    'large', ARRAY(SELECT a.attname FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attstorage <> 'p'),
    'generated', ARRAY(SELECT a.attname FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> ''),
    'columns', ARRAY(SELECT a.attname FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
    'hidden', ARRAY(SELECT a.attname FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT'))),
    'secured', pg_catalog.row_security_active(c.oid),
    'attributes', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attnum, a.xmin::text) ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'file', c.relfilenode::text,
    'published', (SELECT pg_catalog.json_build_object('names', pg_catalog.to_jsonb(t)->'attnames', 'filter', pg_catalog.to_jsonb(t)->>'rowfilter')
      FROM pg_catalog.pg_publication_tables t WHERE t.pubname = p.pubname AND t.schemaname = n.nspname AND t.tablename = c.relname))
  FROM (VALUES ${values}) AS w(place, schema, name)
    JOIN pg_catalog.pg_class c ON c.relname = w.name
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      AND CASE WHEN w.schema IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = w.schema END
    LEFT JOIN pg_catalog.pg_publication p ON p.pubname = ${publication}`;

function tableOf(dataset: ExtractDataset<SqlRead>, described: Described): CapturedTable {
  const { schema, table, oid, kind, member } = described;
  const own = new Set(OWN_COLUMNS);
  const columns = new Map(
    dataset.columns.filter((c) => !own.has(c.from)).map(({ from, type }) => [from, { from, type }]),
  );
  return {
    dataset: dataset.name,
    name: [schema, table],
    oid,
    isPartitioned: kind === 'p',
    member,
    form: formOf(described, [...columns.keys()]),
    contract: contractOf(dataset),
    header: [...new Set([...dataset.columns.map((c) => c.from), ...OWN_COLUMNS])],
    columns: [...columns.values()],
    key: dataset.read.key ?? [],
  };
}

function formOf({ columns, attributes, leaves, file }: Described, wanted: readonly string[]): TableForm {
  const found = wanted.map((name) => attributes[columns.indexOf(columnNamed(columns, name) ?? '')]);
  return {
    leaves,
    columns: found.map((attribute) => attribute?.[0] ?? 0),
    types: shortHash(found.map((attribute) => attribute?.[1])),
    file,
  };
}

/** Why a table has to be read whole although it was; undefined: it has not. */
export function changeOf({ oid, member, contract, form }: CapturedTable, state: TableState): string | undefined {
  const { columns, leaves, types, file } = state.form;
  if (oid !== state.oid) return 'it is another table of that name';
  if (contract !== state.contract) return 'the dataset asks for other columns, or another key';
  if (member !== state.member) return 'it was not in the publication for a while';
  if (leaves !== form.leaves)
    return 'partitions were added, removed, emptied or written anew, which the log does not tell';
  if (form.columns.some((number, i) => number !== 0 && number !== columns[i]))
    return 'columns of the contract were added, and the log does not tell their values in rows that were there';
  // A type that changes without that leaves the values as they are; a table that is only vacuumed keeps its types.
  if (types !== form.types && file !== form.file)
    return 'its rows were written anew with other types, which the log does not tell';
  return undefined;
}

function check(
  { endpoint, config }: PostgresDatabase,
  { name, read, columns }: ExtractDataset<SqlRead>,
  table: Described,
): void {
  const title = `${table.schema}.${table.table}`;
  const sqlName = ident(table.schema, table.table);
  const full = (of: string) => `ALTER TABLE ${of} REPLICA IDENTITY FULL;`;
  const fail = (why: string, hint: string) => {
    throw unfit(endpoint, `${title}, of ${name}, ${why}`, hint);
  };
  if (table.kind !== 'r' && table.kind !== 'p')
    fail('is no table, and the log has changes of tables only', 'Read it with "table" and a watermark.');
  if (table.persistence !== 'p')
    fail('is not written to the log (it is unlogged or temporary)', `ALTER TABLE ${sqlName} SET LOGGED;`);
  if (table.unlogged.length > 0)
    fail(
      `has partitions whose changes are not in the log (foreign or unlogged ones: ${table.unlogged.join(', ')})`,
      'Write a dataset for each of the other partitions instead.',
    );
  if (table.heirs > 0)
    fail('has tables that inherit from it, whose changes are not its own', 'Write a dataset for each of them.');
  if (table.others.length > 0)
    fail(
      'has partitions that identify rows in another way than it does',
      table.others
        .map((leaf) => `ALTER TABLE ${leaf} REPLICA IDENTITY ${table.identity === 'f' ? 'FULL' : 'DEFAULT'};`)
        .join(' '),
    );
  const wanted = new Map(columns.map((c) => [columnNamed(table.columns, c.from) ?? c.from, c]));
  const has = (of: readonly string[]) => of.filter((column) => wanted.has(column));
  const key = (read.key ?? []).map((column) => columnNamed(table.columns, column) ?? column);
  const absent = key.filter((column) => !table.columns.includes(column));
  if (absent.length > 0)
    throw new GranaryError(
      'connector.not_found',
      `${title} has no column "${absent[0]}", which is in the key of ${name}.`,
      {
        hint: `It has ${table.columns.join(', ')}.`,
      },
    );
  const secret = has(table.hidden);
  if (secret.length > 0)
    throw new GranaryError(
      'connector.denied',
      `${endpoint}: ${config.user} may not read ${title}, of ${name} (${secret.join(', ')}).`,
      {
        hint: `GRANT USAGE ON SCHEMA ${ident(table.schema)} TO ${ident(config.user)}; GRANT SELECT ON ${sqlName} TO ${ident(config.user)};`,
      },
    );
  if (table.secured)
    fail(
      `shows ${config.user} only some of its rows (row level security), and the log has all of them`,
      `ALTER ROLE ${ident(config.user)} BYPASSRLS;`,
    );
  if (table.identity === 'n')
    fail(
      'has REPLICA IDENTITY NOTHING, so that the log does not tell which row was changed, and a server that publishes it refuses updates',
      `ALTER TABLE ${sqlName} REPLICA IDENTITY DEFAULT;`,
    );
  if (table.identity !== 'f' && table.identified.length === 0)
    fail(
      'has no primary key (or only one that is checked late, DEFERRABLE), so that the log does not tell which row was changed, and a server that publishes it refuses updates',
      `${full(sqlName)} or add a primary key.`,
    );
  const untold = key.filter((column) => table.identity !== 'f' && !table.identified.includes(column));
  if (untold.length > 0)
    fail(
      `has a key of ${key.join(', ')}, but the log identifies rows by ${table.identified.join(', ')}`,
      `Use that as the key, or: ${full(sqlName)}`,
    );
  const large = has(table.large);
  if (read.history && table.identity !== 'f' && large.length > 0)
    fail(
      `is kept as a history, and the log leaves out large values that did not change (${large.join(', ')})`,
      table.kind === 'p' ? `REPLICA IDENTITY FULL for it and each of its partitions: ${full(sqlName)}` : full(sqlName),
    );
  const generated = has(table.generated);
  if (generated.length > 0)
    fail(
      `has generated columns, which are not in the log (${generated.join(', ')})`,
      'Take them out of the columns of the dataset, and compute them there: computed: { … }.',
    );
  if (table.published?.filter)
    fail(
      'is published with a condition on its rows',
      'Publish the table without WHERE, and use "keep" in the dataset.',
    );
  const published = table.published?.names;
  const hidden = published ? [...wanted.keys()].filter((c) => table.columns.includes(c) && !published.includes(c)) : [];
  if (hidden.length > 0)
    fail(
      `is published without columns of the dataset (${hidden.join(', ')})`,
      'Publish them, too, or take them out of the dataset.',
    );
}

/** Exactly, or else without regard to case. */
export const columnNamed = (names: readonly string[], name: string): string | undefined =>
  names.find((n) => n === name) ?? names.find((n) => n.toLowerCase() === name.toLowerCase());

/** What the server's `information_schema` says about tables, columns and keys. */
import { GranaryError } from '../../lib/errors.ts';
import { nearest } from '../../lib/nearest.ts';
import type { ListedTable, SourceColumn, TableFacts, TableName } from '../lib/sql/database.ts';
import { partMatches, type TablePart } from '../lib/sql/table-name.ts';
import type { MysqlConfig } from './config.ts';
import { ident, text } from './dialect.ts';
import { contractType, fieldNative, fieldNullable, parseNative, type ResultField } from './types.ts';

type Ask = (sql: string) => Promise<(string | null)[][]>;

const SYSTEM = ['information_schema', 'mysql', 'performance_schema', 'sys'];
const MOST = 10_000;
/** Names that people give to the time of the last change, where the server does not set it. */
const UPDATED = /^(last_?)?(updat|modif|chang)[a-z]*(_?(at|on|time|date|ts|timestamp|datetime))?$|^m_?time$/i;

export async function listTables(
  ask: Ask,
  config: MysqlConfig,
  pattern: readonly TablePart[] | undefined,
): Promise<ListedTable[]> {
  const [table, database, surplus] = pattern?.toReversed() ?? [];
  if (surplus) return [];
  if (table && !database && config.database === undefined)
    throw new GranaryError(
      'config.invalid',
      `The table ${table.text} is named without a database, and the source has none.`,
      {
        hint: 'Write database.table, or give the connection a database.',
      },
    );
  const inside = database ?? (table && { text: config.database!, regex: undefined });
  const rows = await ask(`SELECT table_schema, table_name, table_type, table_rows FROM information_schema.tables
    WHERE table_schema NOT IN (${SYSTEM.map(text).join(', ')})
      AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW', 'SEQUENCE')
      ${inside && !inside.regex ? `AND table_schema = ${text(inside.text)}` : ''}
      ${table && !table.regex ? `AND table_name = ${text(table.text)}` : ''}
    ORDER BY BINARY table_schema, BINARY table_name`);
  return rows
    .filter(([d, t, type]) => {
      const fits = (!table || fitsPart(table, t!)) && (!inside || fitsPart(inside, d!));
      return fits && type !== 'SEQUENCE';
    })
    .slice(0, MOST)
    .map(([d, t, type, estimate]) => ({
      name: [d!, t!],
      kind: type === 'VIEW' ? 'view' : 'table',
      title: titleOf([d!, t!], config),
      rows: estimate === null || estimate === undefined ? undefined : Number(estimate),
    }));
}

/** Whether case matters in names depends on the server's file system; the statement has decided it for plain names. */
const fitsPart = (part: TablePart, name: string) => part.regex === undefined || partMatches(part, name);

function titleOf(name: readonly string[], config: MysqlConfig): string {
  const parts = name[0] === config.database ? name.slice(1) : name;
  return parts.map((p) => (/^[\p{L}\p{N}_$-]+$/u.test(p) ? p : ident(p))).join('.');
}

/** Error: `connector.not_found` naming the nearest table. */
export async function tableFacts(ask: Ask, config: MysqlConfig, given: TableName): Promise<TableFacts> {
  const name = given.length === 1 ? [config.database ?? '', given[0]!] : given.slice(-2);
  const [database, table] = name as [string, string];
  const of = `table_schema = ${text(database)} AND table_name = ${text(table)}`;
  const [listed] = await ask(`SELECT table_type, table_rows FROM information_schema.tables WHERE ${of}`);
  if (!listed) throw await unknownTable(ask, config, name);
  const json = await jsonColumns(ask, database, table);
  const columns =
    await ask(`SELECT column_name, column_type, is_nullable, extra, column_default FROM information_schema.columns
    WHERE ${of} ORDER BY ordinal_position`);
  const indexes = await ask(`SELECT index_name, non_unique, seq_in_index, column_name, nullable, sub_part, index_type
    FROM information_schema.statistics WHERE ${of} ORDER BY index_name <> 'PRIMARY', index_name, seq_in_index`);
  const facts = columns.map(([column, native, nullable, extra]) =>
    describeColumn(
      { name: column!, native: native!, nullable: nullable === 'YES', extra: extra ?? '', json: json.has(column!) },
      config,
    ),
  );
  return {
    name,
    kind: listed[0] === 'VIEW' ? 'view' : 'table',
    columns: facts,
    ...keysOf(indexes),
    rows: listed[1] === null || listed[1] === undefined ? undefined : Number(listed[1]),
  };
}

interface Described {
  name: string;
  native: string;
  nullable: boolean;
  extra: string;
  json: boolean;
}

function describeColumn({ name, native, nullable, extra, json }: Described, config: MysqlConfig): SourceColumn {
  const parsed = parseNative(native);
  const found = contractType(parsed, { json, textDates: config.zero_dates === 'text' });
  const isTime = parsed.base === 'timestamp' || parsed.base === 'datetime';
  const grows = /auto_increment/i.test(extra)
    ? 'sequence'
    : isTime && (/on update/i.test(extra) || UPDATED.test(name))
      ? 'updated'
      : undefined;
  return { name, native, ...found, nullable, ...(grows && { grows }) };
}

/** MariaDB has JSON as text with a check. */
async function jsonColumns(ask: Ask, database: string, table: string): Promise<Set<string>> {
  const [known] = await ask(
    "SELECT 1 FROM information_schema.columns WHERE table_schema = 'information_schema' AND table_name = 'CHECK_CONSTRAINTS' AND column_name = 'TABLE_NAME'",
  );
  if (!known) return new Set();
  const rows = await ask(`SELECT check_clause FROM information_schema.check_constraints
    WHERE constraint_schema = ${text(database)} AND table_name = ${text(table)}`);
  const names = rows.map(([clause]) =>
    /^json_valid\(`((?:[^`]|``)+)`\)$/i.exec(clause ?? '')?.[1]?.replaceAll('``', '`'),
  );
  return new Set(names.filter((n) => n !== undefined));
}

/** The primary key, or the first unique index without NULLs; and what indexes begin with. */
function keysOf(indexes: (string | null)[][]): { key: string[]; indexed: Set<string> } {
  const indexed = new Set<string>();
  const unique = new Map<string, string[]>();
  const unfit = new Set<string>();
  for (const [index, nonUnique, place, column, nullable, part, type] of indexes) {
    if (type !== 'BTREE' || column === null || column === undefined || part !== null) unfit.add(index!);
    else if (place === '1') indexed.add(column);
    if (nonUnique !== '0' || nullable === 'YES') unfit.add(index!);
    unique.set(index!, [...(unique.get(index!) ?? []), column ?? '']);
  }
  const key = [...unique].find(([name]) => !unfit.has(name))?.[1] ?? [];
  return { key, indexed };
}

async function unknownTable(ask: Ask, config: MysqlConfig, [database, table]: TableName): Promise<GranaryError> {
  const all = await listTables(ask, config, undefined);
  const title = titleOf([database!, table!], config);
  const guess = nearest(
    title,
    all.map((t) => t.title),
  );
  return new GranaryError('connector.not_found', `There is no table ${title}, or the user may not see it.`, {
    hint: guess ? `Is "${guess}" meant?` : 'granary discover lists the tables.',
  });
}

/** Columns of a result. */
export function fieldFacts(fields: readonly ResultField[], config: MysqlConfig): TableFacts {
  const columns = fields.map((field) => {
    const native = fieldNative(field);
    return describeColumn({ name: field.name, native, nullable: fieldNullable(field), extra: '', json: false }, config);
  });
  return { name: undefined, kind: 'query', columns, key: [], indexed: new Set(), rows: undefined };
}

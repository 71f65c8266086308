/** What the catalog of the server says about tables, columns and keys. */
import { GranaryError } from '../../lib/errors.ts';
import { nearest } from '../../lib/nearest.ts';
import type { ListedTable, TableFacts, TableName } from '../lib/sql/database.ts';
import { partMatches, type TablePart } from '../lib/sql/table-name.ts';
import { postgresDialect } from './dialect.ts';
import { contractType, type PostgresColumn } from './types.ts';

const MOST = 10_000;

type Rows = (sql: string) => Promise<(string | null)[][]>;
const { text, ident } = postgresDialect;

/** Column names that people give to the time of the last change; the server cannot be asked. */
const UPDATED = /^(last_?)?(updat|modif|chang)[a-z]*(_?(at|on|time|date|ts|timestamp|datetime))?$|^m_?time$/i;

/**
 * Tables and views that match a name, or all that the user may read. A name without a schema is looked for where the server would.
 * Partitions and heirs are read through the table above them: they are listed when they are named without a pattern.
 */
export async function listTables(rows: Rows, pattern: readonly TablePart[] | undefined): Promise<ListedTable[]> {
  const [table, schema, database] = pattern?.toReversed() ?? [];
  const isNamed = table !== undefined && table.regex === undefined;
  const conditions = [
    "c.relkind IN ('r', 'p', 'v', 'm', 'f')",
    "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp\\_%'",
    ...(isNamed
      ? [`c.relname = ${text(table.text)}`]
      : ['NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid)', READABLE]),
    ...(schema && !schema.regex ? [`n.nspname = ${text(schema.text)}`] : []),
    ...(table && !schema ? ['pg_catalog.pg_table_is_visible(c.oid)'] : []),
  ];
  const found = await rows(`SELECT n.nspname, c.relname, c.relkind, ${ESTIMATE}, pg_catalog.current_database(),
      pg_catalog.pg_table_is_visible(c.oid)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE ${conditions.join(' AND ')} ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`);
  return found
    .filter(([s, t, , , d]) => {
      const parts = [
        [table, t!],
        [schema, s!],
        [database, d!],
      ] as const;
      return parts.every(([part, name]) => !part || partMatches(part, name));
    })
    .slice(0, MOST)
    .map(([s, t, kind, estimate, , visible]) => ({
      name: [s!, t!],
      kind: kind === 'v' || kind === 'm' ? 'view' : 'table',
      title: visible === 't' ? written(t!) : `${written(s!)}.${written(t!)}`,
      rows: estimate === null ? undefined : Number(estimate),
    }));
}

/** A part of a name as `parseTableName` understands it. */
function written(part: string): string {
  return /[\s."`*]/.test(part) ? `"${part.replaceAll('"', '""')}"` : part;
}

const READABLE = `pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  AND (pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT'))`;

/** Of the statistics; a partitioned table has the rows of its leaves. NULL: never counted. */
const ESTIMATE = `CASE WHEN c.relkind = 'p'
  THEN (SELECT sum(greatest(l.reltuples, 0)) FROM pg_catalog.pg_partition_tree(c.oid) t
    JOIN pg_catalog.pg_class l ON l.oid = t.relid WHERE t.isleaf)::bigint
  WHEN c.relkind IN ('r', 'm') AND c.reltuples >= 0 AND (c.reltuples > 0 OR c.relpages > 0) THEN c.reltuples::bigint END`;

/** Error: `connector.not_found` naming the nearest table. */
export async function tableFacts(rows: Rows, endpoint: string, name: TableName): Promise<TableFacts> {
  const [listed] = await listTables(
    rows,
    name.map((part) => ({ text: part, regex: undefined })),
  );
  if (!listed) throw await unknownTable(rows, endpoint, name);
  const oid = `${text(ident(...listed.name))}::pg_catalog.regclass`;
  const columns = await columnsOf(rows, attributes(oid));
  const indexes = await rows(`SELECT i.indisprimary,
      i.indisprimary OR (i.indisunique AND i.indimmediate AND NOT EXISTS (SELECT FROM unnest(i.indkey) k WHERE k = 0)),
      pg_catalog.to_json(ARRAY(SELECT a.attname FROM unnest(i.indkey) WITH ORDINALITY k(attnum, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE place <= i.indnkeyatts ORDER BY place)),
      i.indkey[0] <> 0 AND m.amname = 'btree'
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_am m ON m.oid = x.relam
    WHERE i.indrelid = ${oid} AND i.indisvalid AND i.indpred IS NULL
    ORDER BY i.indisprimary DESC, i.indnkeyatts, x.relname COLLATE "C"`);
  const nullable = new Set(columns.filter((c) => c.nullable).map((c) => c.name));
  const parsed = indexes.map(([primary, unique, names, leads]) => ({
    unique: primary === 't' || unique === 't',
    columns: JSON.parse(names!) as string[],
    leads: leads === 't',
  }));
  return {
    name: listed.name,
    kind: listed.kind,
    columns,
    key: parsed.find((x) => x.unique && !x.columns.some((c) => nullable.has(c)))?.columns ?? [],
    indexed: new Set(parsed.filter((x) => x.leads).map((x) => x.columns[0]!)),
    rows: listed.rows,
  };
}

async function unknownTable(rows: Rows, endpoint: string, name: TableName): Promise<GranaryError> {
  const known = (await listTables(rows, undefined)).map((t) => t.name.join('.'));
  const suggestion = nearest(name.join('.'), known) ?? nearest(`public.${name.at(-1)}`, known);
  return new GranaryError('connector.not_found', `${endpoint} has no table or view "${name.join('.')}"`, {
    hint: suggestion
      ? `Did you mean "${suggestion}"?`
      : 'granary discover lists the tables that the user of this source may read.',
  });
}

/** Columns of a table, to resolve their types. */
const attributes = (
  oid: string,
) => `SELECT a.attnum::int AS place, a.attname::text AS name, a.atttypid AS type, a.atttypmod AS modifier,
    a.attnotnull AS required, a.attidentity <> '' OR coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') LIKE 'nextval(%' AS numbered,
    NOT pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS hidden
  FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = ${oid} AND a.attnum > 0 AND NOT a.attisdropped`;

/** Columns of a result, as the wire describes them. */
export function resultColumns(
  rows: Rows,
  fields: readonly { name: string; dataTypeID: number; dataTypeModifier: number }[],
): Promise<PostgresColumn[]> {
  const values = fields.map(
    (f, i) => `(${i}, ${text(f.name)}, ${f.dataTypeID}::oid, ${f.dataTypeModifier}, false, false, false)`,
  );
  if (values.length === 0) return Promise.resolve([]);
  return columnsOf(
    rows,
    `SELECT * FROM (VALUES ${values.join(', ')}) AS f(place, name, type, modifier, required, numbered, hidden)`,
  );
}

async function columnsOf(rows: Rows, columns: string): Promise<PostgresColumn[]> {
  const found = await rows(`WITH RECURSIVE col AS (${columns}), resolved AS (
      SELECT place, type, modifier, required FROM col
      UNION ALL
      SELECT r.place, t.typbasetype, t.typtypmod, r.required OR t.typnotnull
      FROM resolved r JOIN pg_catalog.pg_type t ON t.oid = r.type WHERE t.typtype = 'd')
    SELECT c.name, pg_catalog.format_type(c.type, c.modifier), pg_catalog.format_type(r.type, r.modifier),
      t.typname, t.typtype, t.typcategory, t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace,
      NOT (r.required OR t.typnotnull), c.numbered, c.hidden
    FROM col c JOIN resolved r ON r.place = c.place JOIN pg_catalog.pg_type t ON t.oid = r.type
    WHERE t.typtype <> 'd' ORDER BY c.place`);
  return found.map(([name, native, sql, typname, kind, category, own, nullable, numbered, hidden]) => {
    const base = { sql: sql!, name: typname!, kind: kind!, category: category!, own: own === 't' };
    const { type, note } = contractType(base);
    const grows = growth(name!, base.name, numbered === 't');
    const notes = [
      note,
      grows === 'updated' && 'by its name the time of the last change: make sure that every change sets it',
      hidden === 't' && 'the user of this source may not read it',
    ].filter((n) => typeof n === 'string');
    return {
      name: name!,
      native: native!,
      type,
      nullable: nullable === 't',
      base,
      ...(grows && { grows }),
      ...(notes.length > 0 && { note: notes.join('; ') }),
    };
  });
}

function growth(name: string, type: string, numbered: boolean): 'sequence' | 'updated' | undefined {
  if (numbered && /^int[248]$/.test(type)) return 'sequence';
  return /^timestamp/.test(type) && UPDATED.test(name) ? 'updated' : undefined;
}

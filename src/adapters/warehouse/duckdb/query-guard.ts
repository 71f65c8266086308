/**
 * What a query may do: read tables. Checked on DuckDB's own syntax tree; that the database cannot reach files at all but in its folders, and
 * that queries run in read-only transactions, are further lines behind this one.
 */
import { GranaryError, type Where } from '../../../lib/errors.ts';
import { nearest } from '../../../lib/nearest.ts';

/** What `json_serialize_sql` gives. */
export interface SerializedSql {
  error: boolean;
  error_type?: string;
  error_message?: string;
  /** Offset into the statement. */
  position?: string;
  statements?: unknown[];
}

/** Table functions that read nothing but their arguments or the catalog. */
const TABLE_FUNCTIONS = new Set([
  'range',
  'generate_series',
  'unnest',
  'repeat',
  'json_each',
  'json_tree',
  'duckdb_columns',
  'duckdb_constraints',
  'duckdb_databases',
  'duckdb_functions',
  'duckdb_indexes',
  'duckdb_keywords',
  'duckdb_schemas',
  'duckdb_tables',
  'duckdb_types',
  'duckdb_views',
  'pragma_table_info',
  'pragma_version',
]);

/** Throws `query.failed` unless the text is one statement that only reads. `tables`: all tables and views, by name. */
export function guardQuery(text: string, tree: SerializedSql, tables: ReadonlySet<string>): void {
  if (tree.error && tree.error_type === 'parser')
    throw refused(`${tree.error_message}`, 'Correct the statement.', whereOf(text, Number(tree.position)));
  if (tree.error)
    throw refused(
      'Only statements that read are allowed here.',
      'Use SELECT, FROM, VALUES, DESCRIBE, SHOW TABLES or SUMMARIZE; tables change by loads only.',
    );
  const count = tree.statements?.length ?? 0;
  if (count !== 1) throw refused(`Expected one statement, found ${count}.`, 'Run the statements one after the other.');
  const nodes = [...objectsIn(tree.statements)];
  const ctes = new Set(nodes.flatMap(cteNames));
  for (const node of nodes) {
    const where = whereOf(text, Number(node['query_location']));
    if (node['type'] === 'TABLE_FUNCTION') {
      const name = String((node['function'] as Node)['function_name']).toLowerCase();
      if (!TABLE_FUNCTIONS.has(name))
        throw refused(
          `The table function ${name} is not allowed here.`,
          'Queries read tables of the warehouse, not files.',
          where,
        );
    }
    if (node['type'] === 'BASE_TABLE') {
      const name = String(node['table_name']).toLowerCase();
      const schema = String(node['schema_name'] ?? '').toLowerCase();
      if (/[^\w$ ]/.test(name) && !tables.has(schema ? `${schema}.${name}` : name) && !ctes.has(name))
        throw refused(`There is no table "${name}".`, 'Queries read tables of the warehouse, not files.', where);
    }
  }
}

type Node = Record<string, unknown>;

function* objectsIn(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const v of value) yield* objectsIn(v);
  else if (typeof value === 'object' && value !== null) {
    yield value as Node;
    for (const v of Object.values(value)) yield* objectsIn(v);
  }
}

function cteNames(node: Node): string[] {
  const map = (node['cte_map'] as { map?: { key: string }[] } | undefined)?.map ?? [];
  return map.map((entry) => entry.key.toLowerCase());
}

/** What DuckDB says about a statement it refuses, with `errors_as_json`. */
interface EngineComplaint {
  exception_type: string;
  exception_message: string;
  error_subtype?: string;
  /** Of what is missing: `Table`, `Schema`, `Scalar Function`… */
  type?: string;
  name?: string;
  candidates?: string;
  position?: string;
}

/**
 * A refusal of the engine as ours, with line, column and the nearest right name. `message` is the engine's; `tables` are all names that tables go by;
 * `offset` is where the user's text starts in the statement. Undefined when the message is no complaint about the statement.
 */
export function explain(
  message: string,
  text: string,
  tables: ReadonlySet<string>,
  offset = 0,
): GranaryError | undefined {
  const json = /\{"exception_type".*\}/s.exec(message)?.[0];
  if (!json) return undefined;
  const c = JSON.parse(json) as EngineComplaint;
  if (
    !['Parser', 'Binder', 'Catalog', 'Conversion', 'Out of Range', 'Invalid Input', 'Permission'].includes(
      c.exception_type,
    )
  )
    return undefined;
  const summary = c.exception_message.split('\n')[0]!;
  const where = whereOf(text, Number(c.position ?? Number.NaN) - offset);
  if (c.exception_type === 'Catalog' && c.type === 'Table' && c.name) {
    const suggestion = nearest(c.name, tables) ?? [...tables].find((t) => t.endsWith(`.${c.name!.toLowerCase()}`));
    const hint = suggestion ? `Did you mean ${suggestion}?` : '`SHOW ALL TABLES` lists what there is.';
    return refused(`There is no table ${c.name}.`, hint, where);
  }
  const suggestion = nearest(
    c.name ?? '',
    (c.candidates ?? '').split(',').map((s) => s.trim()),
  );
  return refused(summary, suggestion ? `Did you mean ${suggestion}?` : 'Correct the statement.', where);
}

/** Line and column of an offset; undefined when the offset is not in the text. */
export function whereOf(text: string, offset: number): Where | undefined {
  if (!(offset >= 0 && offset <= text.length)) return undefined;
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

function refused(message: string, hint: string, where?: Where): GranaryError {
  return new GranaryError('query.failed', message, { hint, where });
}

/** Quoted text and comments, or the semicolon that ends a statement. */
const PIECES =
  /[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$\w*\$)[\s\S]*?\1|--[^\n]*|\/\*[\s\S]*?\*\/|(;)/g;

/** A single statement without the semicolon at its end and what follows it. */
export function withoutSemicolon(text: string): string {
  for (const m of text.matchAll(PIECES)) if (m[2]) return text.slice(0, m.index);
  return text;
}

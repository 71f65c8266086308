/**
 * Foreign keys by which the server changes rows of a table without a word in its log (`ON DELETE CASCADE` and the like), and the tables whose changes make
 * it do so: https://mariadb.com/kb/en/foreign-keys/. They are read from `SHOW CREATE TABLE`, which asks for SELECT alone; `information_schema` shows its
 * rules only to those who may write.
 */
import { GranaryError } from '../../../lib/errors.ts';
import type { MysqlDatabase } from '../database.ts';
import { ident } from '../dialect.ts';

export interface ForeignKey {
  name: string;
  database: string;
  table: string;
  /** That are referred to. */
  columns: string[];
  onDelete: boolean;
  onUpdate: boolean;
}

/** A table whose changes change another one. */
export interface Ancestor {
  database: string;
  table: string;
  /** In lower case: it matters when one of these is updated; undefined: updates do not matter. */
  columns: ReadonlySet<string> | undefined;
  onDelete: boolean;
}

export interface Ancestry {
  /** By `databaseandtable`, in lower case. */
  ancestors: Map<string, Ancestor>;
  /** For people: `orders_ibfk_1 to customers`. */
  keys: string[];
  /** Tables whose own foreign keys the user may not see. */
  hidden: string[];
}

/** More tables than this above one another are no design any more. */
const MOST = 200;

export const placeOf = (database: string, table: string): string => `${database}\0${table}`.toLowerCase();

/** Those of a table, and those of the tables that it depends on, as their rows may be changed in the same way. */
export async function ancestryOf(database: MysqlDatabase, name: string, table: string): Promise<Ancestry> {
  const ancestry: Ancestry = { ancestors: new Map(), keys: [], hidden: [] };
  if (await logsCascades(database)) return ancestry;
  const seen = new Set([placeOf(name, table)]);
  const first = { name, table };
  const queue = [first];
  for (let next = queue.shift(); next && seen.size <= MOST; next = queue.shift()) {
    for (const key of await keysOf(database, next.name, next.table, ancestry.hidden)) {
      if (next === first) ancestry.keys.push(`${key.name} to ${key.table}`);
      add(ancestry.ancestors, key);
      const place = placeOf(key.database, key.table);
      if (seen.has(place)) continue;
      seen.add(place);
      queue.push({ name: key.database, table: key.table });
    }
  }
  return ancestry;
}

/** From MySQL 9.6 on foreign keys are the server's, not the storage engine's, unless told, and what they change is logged like all else. */
async function logsCascades(database: MysqlDatabase): Promise<boolean> {
  if (database.isMariaDb) return false;
  const [[, native] = []] = await database.query(
    'asking for settings',
    "SHOW GLOBAL VARIABLES LIKE 'innodb_native_foreign_keys'",
  );
  return native === 'OFF';
}

function add(ancestors: Ancestry['ancestors'], { database, table, columns, onDelete, onUpdate }: ForeignKey): void {
  const place = placeOf(database, table);
  const known = ancestors.get(place);
  const named = onUpdate ? columns.map((c) => c.toLowerCase()) : [];
  const all = new Set([...(known?.columns ?? []), ...named]);
  ancestors.set(place, {
    database,
    table,
    columns: all.size > 0 ? all : undefined,
    onDelete: onDelete || (known?.onDelete ?? false),
  });
}

async function keysOf(database: MysqlDatabase, name: string, table: string, hidden: string[]): Promise<ForeignKey[]> {
  try {
    const [[, text] = []] = await database.query(
      `describing ${name}.${table}`,
      `SHOW CREATE TABLE ${ident(name, table)}`,
    );
    return parseForeignKeys(text ?? '', name);
  } catch (e) {
    if (!(e instanceof GranaryError) || !['connector.denied', 'connector.not_found'].includes(e.code)) throw e;
    hidden.push(`${name}.${table}`);
    return [];
  }
}

const NAME = '`((?:[^`]|``)+)`';
const KEY = new RegExp(
  `^\\s*CONSTRAINT ${NAME} FOREIGN KEY \\([^)]*\\) REFERENCES (?:${NAME}\\.)?${NAME} \\(((?:${NAME}(?:, )?)+)\\)(.*)$`,
  'gm',
);

/** Pure. Only those that change rows; `text` as the server writes it. */
export function parseForeignKeys(text: string, inDatabase: string): ForeignKey[] {
  const plain = (name: string) => name.replaceAll('``', '`');
  return [...text.matchAll(KEY)].flatMap(([, name, database, table, columns, , rules]) => {
    const does = (event: string) => new RegExp(`ON ${event} (CASCADE|SET NULL|SET DEFAULT)`).test(rules!);
    const key: ForeignKey = {
      name: plain(name!),
      database: database === undefined ? inDatabase : plain(database),
      table: plain(table!),
      columns: [...columns!.matchAll(new RegExp(NAME, 'g'))].map(([, column]) => plain(column!)),
      onDelete: does('DELETE'),
      onUpdate: does('UPDATE'),
    };
    return key.onDelete || key.onUpdate ? [key] : [];
  });
}

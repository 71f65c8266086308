/**
 * Large values that an update did not touch are not in the log, unless the table says REPLICA IDENTITY FULL:
 * https://www.postgresql.org/docs/current/storage-toast.html. They are looked up by the key in a snapshot that is later than the row: it has the value of that
 * row, or of a later one, whose own change comes behind it in the log. The table here is then never older in any value than at its place in the log, and
 * the same as at the source once everything was read. A row that is not found was deleted, or got another key: the log says so behind it.
 */
import type { Snapshot, SourceColumn } from '../../lib/sql/database.ts';
import type { LineBuffer } from '../../lib/sql/line-buffer.ts';
import type { PostgresDatabase } from '../database.ts';
import { postgresDialect } from '../dialect.ts';
import { RowMessage } from '../replication/messages.ts';
import type { PostgresColumn } from '../types.ts';
import type { Fill, Incomplete } from './landing.ts';
import { columnNamed } from './tables.ts';

const { ident, text } = postgresDialect;
/** Rows that are looked up by one query. */
const TOGETHER = 200;

/** Writes what is found of rows of one dataset; returns how many there were. */
export async function complete(
  database: PostgresDatabase,
  snapshot: Snapshot,
  rows: readonly Incomplete[],
  out: LineBuffer,
): Promise<number> {
  let written = 0;
  for (let i = 0; i < rows.length; i += TOGETHER)
    written += await some(database, snapshot, rows.slice(i, i + TOGETHER), out);
  return written;
}

async function some(
  database: PostgresDatabase,
  snapshot: Snapshot,
  rows: readonly Incomplete[],
  out: LineBuffer,
): Promise<number> {
  const { table } = rows[0]!.landing;
  const facts = await database.facts(table.name);
  const names = facts.columns.map((c) => c.name);
  const find = (name: string): SourceColumn | undefined =>
    facts.columns.find((c) => c.name === columnNamed(names, name));
  const key = table.key.map(find);
  if (key.some((column) => column === undefined)) return 0;
  const parsed = rows.map((row) => {
    const message = new RowMessage();
    message.read(row.bytes, 0);
    const { starts, lengths } = message.after;
    const values = row.landing.key.map((c) => row.bytes.toString('utf8', starts[c]!, starts[c]! + lengths[c]!));
    return { row, message, values };
  });
  // What the table has lost since is NULL.
  const missing = new Set(
    parsed.flatMap(({ row, message }) => row.landing.unchanged(message.after).map((c) => nameOf(row, c))),
  );
  const wanted = [...missing].flatMap((name) => {
    const column = find(name);
    const contract = table.columns.find((c) => c.from.toLowerCase() === name.toLowerCase());
    return column && contract ? [{ name, sql: postgresDialect.landed(ident(column.name), column, contract.type) }] : [];
  });
  const keys = key.map((c) => ident(c!.name));
  const literals = parsed.map(
    ({ values }) => `(${values.map((v, i) => `${text(v)}::${(key[i] as PostgresColumn).base.sql}`).join(', ')})`,
  );
  const found = await snapshot.rows(
    `SELECT ${[...keys, ...wanted.map((w) => w.sql)].join(', ')} FROM ${ident(...table.name)}
     WHERE (${keys.join(', ')}) IN (${[...new Set(literals)].join(', ')})`,
  );
  const byKey = new Map(found.map((row) => [JSON.stringify(row.slice(0, keys.length)), row.slice(keys.length)]));
  let written = 0;
  for (const { row, message, values } of parsed) {
    const values0 = byKey.get(JSON.stringify(values));
    if (!values0) continue;
    const fill: Fill = new Map(
      row.landing
        .unchanged(message.after)
        .map((c) => [c, values0[wanted.findIndex((w) => w.name === nameOf(row, c))] ?? null]),
    );
    row.landing.complete(row, message, fill, out);
    written++;
  }
  return written;
}

const nameOf = ({ landing }: Incomplete, column: number): string => landing.relation.columns[column]!.name;

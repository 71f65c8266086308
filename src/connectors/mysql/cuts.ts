/** Where a large table is divided: by what the optimizer thinks of ranges, which costs nothing, or by walking an index. */
import type { CutRequest, SourceColumn } from '../lib/sql/database.ts';
import { ident, mysqlDialect, text } from './dialect.ts';
import { isWhole, parseNative } from './types.ts';

type Ask = (sql: string) => Promise<(string | null)[][]>;

const { value } = mysqlDialect({ zeroDates: 'reject' });

export async function cutsOf(ask: Ask, request: CutRequest, isMariaDb: boolean): Promise<string[]> {
  const index = await indexOn(ask, request);
  if (index === undefined) return [];
  const from = (how: 'FORCE' | 'USE') => `${ident(...request.table)} ${how} INDEX (${ident(index)})`;
  if (!isWhole(parseNative(request.column.native))) return walked(ask, request, from('FORCE'));
  // MySQL does not look into an index that it is forced to use, and expects one row of any range.
  return bisected(ask, request, from(isMariaDb ? 'FORCE' : 'USE'));
}

async function indexOn(ask: Ask, { table: [database, table], column }: CutRequest): Promise<string | undefined> {
  const [found] = await ask(`SELECT index_name FROM information_schema.statistics
    WHERE table_schema = ${text(database!)} AND table_name = ${text(table!)} AND column_name = ${text(column.name)}
      AND seq_in_index = 1 AND index_type = 'BTREE' AND sub_part IS NULL ORDER BY index_name <> 'PRIMARY' LIMIT 1`);
  return found?.[0] ?? undefined;
}

/** Ranges of numbers are halved until the optimizer expects few enough rows in them, and put together again where they are small. */
async function bisected(ask: Ask, request: CutRequest, from: string): Promise<string[]> {
  const ref = ident(request.column.name);
  const lower = lowerOf(request.column, request.from);
  const [[low, high] = [null, null]] = await ask(
    `SELECT MIN(${ref}), MAX(${ref}) FROM ${from}${lower && ` WHERE ${lower}`}`,
  );
  if (low === null || high === null || low === undefined || high === undefined) return [];
  const expected = async (a: bigint, b: bigint): Promise<number> => {
    const plan = await ask(
      `EXPLAIN FORMAT=TRADITIONAL SELECT ${ref} FROM ${from} WHERE ${ref} >= ${a} AND ${ref} < ${b}`,
    );
    return Number(plan[0]?.at(plan[0].length === MYSQL_COLUMNS ? 9 : 8) ?? 0);
  };
  const pieces: { start: bigint; rows: number }[] = [];
  const limit = Math.max(request.rows / 2, 1);
  const halve = async (a: bigint, b: bigint): Promise<void> => {
    const rows = await expected(a, b);
    if (rows <= limit || b - a < 2n || pieces.length > request.limit * 4) {
      pieces.push({ start: a, rows });
      return;
    }
    const middle = a + (b - a) / 2n;
    await halve(a, middle);
    await halve(middle, b);
  };
  await halve(BigInt(low), BigInt(high) + 1n);
  const cuts: string[] = [];
  let gathered = 0;
  for (const { start, rows } of pieces) {
    if (gathered > 0 && gathered + rows > request.rows && cuts.length < request.limit) {
      cuts.push(String(start));
      gathered = 0;
    }
    gathered += rows;
  }
  return cuts;
}
/** MySQL's EXPLAIN, which is a tree where its format is not said, has `partitions` and `filtered` besides MariaDB's columns; `rows` comes after the former. */
const MYSQL_COLUMNS = 12;

/** Every so many entries of the index, its value. */
async function walked(ask: Ask, { column, from, rows, limit }: CutRequest, table: string): Promise<string[]> {
  const ref = ident(column.name);
  const cuts: string[] = [];
  let condition = lowerOf(column, from);
  while (cuts.length < limit) {
    const [found] = await ask(
      `SELECT ${ref} FROM ${table}${condition && ` WHERE ${condition}`} ORDER BY ${ref} LIMIT 1 OFFSET ${rows}`,
    );
    const cut = found?.[0];
    if (cut === null || cut === undefined) return cuts;
    const last = cuts.at(-1);
    if (cut !== last && cut !== from) cuts.push(cut);
    condition = `${ref} > ${value(cut, column)}`;
  }
  return cuts;
}

const lowerOf = (column: SourceColumn, from: string | undefined): string =>
  from === undefined ? '' : `${ident(column.name)} >= ${value(from, column)}`;

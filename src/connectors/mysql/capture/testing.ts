/** For tests of capturing: sources, datasets, and what a SELECT gives. */

import type { MariaDbServer } from '../../../../test/servers/mariadb.ts';
import type { Row } from '../../../../test/support/capturing.ts';
import { rowsOfText } from '../../../../test/support/capturing.ts';
import { extractOnce, parseAll } from '../../../../test/support/extracting.ts';
import type { ExtractDataset, ExtractSource } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { mysql } from '../../mysql.ts';

export function settingsOf({ host, port, user, password, database }: MariaDbServer): Record<string, unknown> {
  return { host, port, user, password, database, tls: 'off' };
}

export const opened = (settings: Record<string, unknown>) =>
  mysql.open(parseAll(mysql.spec, settings), { projectDir: '/tmp' });

/** All columns of a table, as text unless told. */
export async function datasetFor(
  source: ExtractSource<SqlRead>,
  table: string,
  key: string[] = ['id'],
): Promise<ExtractDataset<SqlRead>> {
  const { columns } = await source.propose({ name: table, kind: 'table', rows: undefined, read: table });
  const read = parseAll(mysql.read, { changes: table, key });
  const own = Object.entries(mysql.describe(read, {} as never).columns!).map(([name, c]) => ({ name, ...c }));
  return { name: table, read, columns: [...columns, ...own] };
}

/** As extraction reads it: the same text must come out of the log. */
export async function selected(source: ExtractSource<SqlRead>, dataset: ExtractDataset<SqlRead>): Promise<Row[]> {
  const read = parseAll(mysql.read, { table: dataset.read.changes });
  const columns = dataset.columns.filter((c) => !c.from.startsWith('_'));
  const { object } = await extractOnce(source, { dataset: { name: dataset.name, read, columns } });
  const key = dataset.read.key!;
  const id = (row: Row) => JSON.stringify(key.map((k) => row[k]));
  return rowsOfText(object?.bytes.toString() ?? '').sort((a, b) => (id(a) < id(b) ? -1 : 1));
}

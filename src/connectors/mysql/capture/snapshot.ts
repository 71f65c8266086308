/** All rows of tables in one state that has a known place in the log. */
import type { ExtractRequest, ExtractSink } from '../../../ports/extract.ts';
import type { Snapshot } from '../../lib/sql/database.ts';
import { CHANGED_AT, DELETED_COLUMN, landedLine, OPERATION, POSITION } from '../../lib/sql/landed.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import type { Gtids } from '../binlog/gtids.ts';
import type { MysqlDatabase } from '../database.ts';
import { ident, text } from '../dialect.ts';
import type { Place } from './position.ts';
import type { CapturedTable } from './tables.ts';

export interface PlacedSnapshot {
  snapshot: Snapshot;
  /** Where it is in the log; where that is not exact, somewhat before it. */
  place: Place;
  isExact: boolean;
  /** All that are before it in the log. */
  gtids: Gtids;
  /** Seconds since 1970, UTC, by the server's clock. */
  at: number;
}

/** What is the same in all rows. */
export interface Stamp {
  /** `2026-03-01 12:00:00` */
  changedAt: string;
  position: number;
}

/** A complete object of all rows. Returns how many there are. */
export async function copyTable(
  database: MysqlDatabase,
  { snapshot }: PlacedSnapshot,
  table: CapturedTable,
  stamp: Stamp,
  { request, sink }: { request: ExtractRequest<SqlRead>; sink: ExtractSink },
): Promise<number> {
  const { dataset, header } = table;
  const { dialect } = database;
  const own: Record<string, string> = {
    [OPERATION]: text('read'),
    [DELETED_COLUMN]: text('false'),
    [CHANGED_AT]: text(stamp.changedAt),
    [POSITION]: String(stamp.position),
  };
  const landed = new Map(
    table.columns.map(({ from, type, column }) => [
      from,
      column ? dialect.landed(dialect.ident(column.name), column, type) : 'NULL',
    ]),
  );
  const expressions = header.map((name) => landed.get(name) ?? own[name] ?? 'NULL');
  await sink.cut(dataset);
  await sink.open(dataset, { complete: true });
  await sink.write(dataset, landedLine(header));
  let rows = 0;
  await snapshot.copy(`SELECT ${expressions.join(', ')} FROM ${ident(table.database, table.table)}`, {
    signal: request.signal,
    async write(bytes, count) {
      await sink.write(dataset, bytes);
      rows += count;
      request.progressed(rows, Math.max(table.facts.rows ?? 0, rows), 'rows');
    },
  });
  await sink.cut(dataset, { rows });
  return rows;
}

/** All rows of tables in one state that has a known place in the log. */
import { GranaryError } from '../../../lib/errors.ts';
import type { ExtractRequest, ExtractSink } from '../../../ports/extract.ts';
import type { Snapshot } from '../../lib/sql/database.ts';
import { CHANGED_AT, DELETED_COLUMN, landedLine, OPERATION, POSITION } from '../../lib/sql/landed.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import type { MysqlDatabase } from '../database.ts';
import { ident, text } from '../dialect.ts';
import type { Place } from './position.ts';
import { NOW } from './server.ts';
import type { CapturedTable } from './tables.ts';

export interface PlacedSnapshot extends Place {
  snapshot: Snapshot;
  gtid: string;
  /** Seconds since 1970, UTC, by the server's clock. */
  at: number;
}

/** Begins it; the caller closes `snapshot`. No lock is taken: https://mariadb.com/kb/en/enhancements-for-start-transaction-with-consistent-snapshot/ */
export async function placedSnapshot(
  database: MysqlDatabase,
  signal: AbortSignal | undefined,
): Promise<PlacedSnapshot> {
  const snapshot = await database.snapshot(signal);
  try {
    const status = new Map(
      (await snapshot.rows("SHOW STATUS LIKE 'binlog_snapshot_%'")).map(([name, value]) => [
        name!.toLowerCase(),
        value,
      ]),
    );
    const file = status.get('binlog_snapshot_file') ?? '';
    const pos = Number(status.get('binlog_snapshot_position') ?? 0);
    const [[gtid, at] = []] = await snapshot.rows(`SELECT BINLOG_GTID_POS(${text(file)}, ${pos}), ${NOW}`);
    if (file === '' || pos === 0 || gtid === null || gtid === undefined)
      throw new GranaryError(
        'connector.protocol',
        `${database.endpoint} does not tell where in its log a snapshot is.`,
        {
          transient: true,
        },
      );
    return { snapshot, file, pos, gtid, at: Number(at) };
  } catch (e) {
    await snapshot.close();
    throw e;
  }
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

/** Tables that are read as a whole, in one snapshot; one that cannot be read is left, and the others are not held up. */
import { GranaryError } from '../../../lib/errors.ts';
import type { ExtractDataset, ExtractRequest, ExtractSink } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { isOfTable, troubleOf } from '../../lib/sql/troubles.ts';
import { instantText } from '../binlog/temporal.ts';
import type { MysqlDatabase } from '../database.ts';
import { isHarmless, numberOf } from '../faults.ts';
import type { MysqlCapture } from './capture.ts';
import type { Start } from './log-reader.ts';
import { contractOf, type TableState } from './position.ts';
import { copyTable, type PlacedSnapshot } from './snapshot.ts';
import type { CapturedTable } from './tables.ts';

/** A statement that took too long. */
const TOO_LONG = new Set([1205, 1317, 1969]);

/** Whether the other tables can go on. */
export const isOfOneTable = (e: unknown): e is GranaryError =>
  e instanceof GranaryError && (isOfTable(e) || TOO_LONG.has(numberOf(e.cause)));

export interface Copying {
  database: MysqlDatabase;
  capture: MysqlCapture;
  request: ExtractRequest<SqlRead>;
  sink: ExtractSink;
  snapshot: PlacedSnapshot;
  /** Of all rows. */
  start: Pick<Start, 'at' | 'rows'>;
  /** What is known of the tables, by dataset; renewed. */
  states: Record<string, TableState>;
  /** There is a position: the feed has gone on before. */
  goesOn: boolean;
}

/** All of them that can be read. Those that are left after an error that has broken the snapshot are read by the next extraction. */
export async function copyTables(copying: Copying, datasets: readonly ExtractDataset<SqlRead>[]): Promise<void> {
  for (const dataset of datasets) {
    const { request, sink, states, goesOn } = copying;
    const { name } = dataset;
    const begun = request.now();
    try {
      const table = await copyOne(copying, dataset);
      const ended = request.now();
      states[name] = {
        contract: contractOf(dataset),
        shape: table.shape,
        stale: null,
        trouble: null,
        read: { at: ended, took: Math.max(0, ended - begun) },
        cascaded: null,
      };
    } catch (e) {
      if (!isOfOneTable(e) || (!goesOn && request.datasets.length === 1)) throw e;
      await sink.discard(name);
      states[name] = putAside(states[name], dataset, e, request);
      if (!isHarmless(e.cause) && numberOf(e.cause) > 0) return;
    }
  }
}

async function copyOne(
  { database, capture, request, sink, snapshot, start, states }: Copying,
  dataset: ExtractDataset<SqlRead>,
): Promise<CapturedTable> {
  const { name } = dataset;
  const { stale } = states[name] ?? {};
  if (stale) request.warn(`${name}: ${stale}. The table is read anew.`);
  capture.forget(name);
  const table = await capture.table(dataset, undefined);
  tell(table, request.warn);
  const stamp = { changedAt: instantText(start.at), position: start.rows };
  await copyTable(database, snapshot, table, stamp, { request, sink });
  return table;
}

/** A table that could not be read, from now on; what was in it stays. */
export function putAside(
  known: TableState | undefined,
  dataset: ExtractDataset<SqlRead>,
  error: GranaryError,
  { now, warn }: Pick<ExtractRequest<SqlRead>, 'now' | 'warn'>,
  tries = (known?.trouble?.tries ?? 0) + 1,
): TableState {
  const contract = contractOf(dataset);
  const trouble = troubleOf(error, { contract, at: now(), tries });
  if (known?.trouble?.why !== trouble.why)
    warn(
      `${dataset.name} is not captured, and the others go on: ${error.message} Its rows stay as they are until it can be read again.`,
    );
  return {
    contract,
    shape: known?.shape ?? '',
    stale: known?.stale ?? 'it could not be captured for a while',
    trouble,
    read: known?.read ?? null,
    cascaded: null,
  };
}

function tell({ dataset, columns, ancestry, key, facts }: CapturedTable, warn: (message: string) => void): void {
  const lost = columns.filter((c) => !c.column).map((c) => c.from);
  if (lost.length > 0) warn(`${dataset}: the table has no ${lost.join(', ')}; NULL is loaded for it.`);
  const named = key.map((name) => name.toLowerCase());
  if (facts.key.length === 0 || !facts.key.every((name) => named.includes(name.toLowerCase())))
    warn(
      `${dataset}: rows are told apart by ${key.join(', ')}, and the table's key is ${facts.key.join(', ') || 'none'}: of rows that are the same in it only the last is kept.`,
    );
  const { keys, hidden } = ancestry;
  if (keys.length > 0)
    warn(
      `${dataset}: the server does not log what foreign keys change by themselves (${keys.join(', ')}): the table is read anew when that has happened.`,
    );
  if (hidden.length > 0)
    warn(
      `${dataset}: foreign keys of ${hidden.join(', ')} cannot be seen: what they change by themselves is not noticed. GRANT SELECT ON these tables.`,
    );
}

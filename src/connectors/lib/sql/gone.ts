/** Finds the rows of the table here that are gone at the source, by reading nothing but keys. */
import { join as joinPath } from 'node:path';
import { GranaryError } from '../../../lib/errors.ts';
import type { ColumnType } from '../../../model/schema.ts';
import type { ExtractDataset, ExtractRequest } from '../../../ports/extract.ts';
import type { SqlDatabase } from './database.ts';
import { readsSeveral } from './describe.ts';
import { DELETED_COLUMN, TABLE_COLUMN } from './landed.ts';
import { type Plan, planFor, type Wanted, whereOf } from './plan.ts';
import type { TableMark } from './position.ts';
import type { SqlRead } from './read.ts';
import { writeGone } from './reconcile.ts';
import { ScratchFile } from './scratch.ts';
import { higher, kindOf, topOf } from './watermark.ts';

export interface KeyColumn {
  /** In the contract. */
  name: string;
  /** At the source. */
  from: string;
  type: ColumnType;
}

/** The key of the table here. Error: `config.invalid` where the contract lacks a part of it. */
export function keyColumns({ name, read, columns }: ExtractDataset<SqlRead>): KeyColumn[] {
  return [...read.key!, ...(readsSeveral(read) ? [TABLE_COLUMN] : [])].map((from) => {
    const column = columns.find((c) => c.from.toLowerCase() === from.toLowerCase());
    if (column) return column;
    if (from === TABLE_COLUMN) return { name: from, from, type: 'text' };
    throw new GranaryError('config.invalid', `The key column ${from} of ${name} is not in the contract.`, {
      hint: 'Add it to columns.',
    });
  });
}

export interface Telling {
  database: SqlDatabase;
  request: ExtractRequest<SqlRead>;
  dataset: ExtractDataset<SqlRead>;
  keys: KeyColumn[];
  wanted: readonly Wanted[];
  /** After what was just read. */
  marks: Record<string, TableMark>;
  /** Parquet. */
  tableKeys: string;
  write(bytes: Uint8Array): Promise<void>;
}

/**
 * Writes a row for each that is gone: its key, a watermark that none at the source is above, `_deleted`, and nothing else. How many there are. The keys at the
 * source are those of a snapshot that is taken now, after those of the table were.
 */
export async function tellGone(telling: Telling): Promise<number> {
  const { request, dataset, keys, tableKeys, write } = telling;
  const source = await ScratchFile.create(joinPath(request.scratch, 'source-keys.csv'));
  let top: string[] | null = null;
  let plan: Plan | undefined;
  try {
    for (const table of telling.wanted) {
      plan = await planFor(telling.database, dataset, table);
      const [first] = plan.watermark;
      const mark = telling.marks[table.title];
      if (first && mark) {
        const horizon = await telling.database.horizon();
        top = higher(kindOf(first), top, topOf(plan.watermark, mark, horizon));
      }
      await copyKeys(telling, plan, source);
    }
  } finally {
    await source.close();
  }
  const watermark = (dataset.read.watermark ?? []).map((name) => name.toLowerCase());
  const landed = plan!.header.map((from) => {
    const key = keys.find((k) => k.from === from);
    if (key) return { key: key.name };
    if (from === DELETED_COLUMN) return { value: 'true' };
    const value = top?.[watermark.indexOf(from.toLowerCase())];
    return value === undefined ? null : { value };
  });
  const engine = await request.openEngine();
  return writeGone(engine, { keys, sourceKeys: source.path, tableKeys, landed, scratch: request.scratch }, write);
}

async function copyKeys({ database, request, dataset, keys }: Telling, plan: Plan, source: ScratchFile): Promise<void> {
  const expressions = keys.map(({ from }) => plan.expressions[plan.header.indexOf(from)]!);
  const snapshot = await database.snapshot(request.signal);
  try {
    await snapshot.copy(`SELECT ${expressions.join(', ')} FROM ${plan.from}${whereOf([dataset.read.where])}`, {
      signal: request.signal,
      write: (bytes) => source.write(bytes),
    });
  } finally {
    await snapshot.close();
  }
}

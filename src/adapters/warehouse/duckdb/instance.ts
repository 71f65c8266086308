/** One DuckDB instance on a file, with its writing connection. */
import { readdir, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { createInstance } from '../../../lib/duckdb.ts';
import { literal, sql } from '../../../lib/sql.ts';
import type { DatabaseOptions } from './database.ts';

export interface Opened {
  instance: DuckDBInstance;
  writer: DuckDBConnection;
}

export async function openInstance(path: string, options: DatabaseOptions): Promise<Opened> {
  const instance = await createInstance(path, options);
  try {
    const writer = await instance.connect();
    await writer.run(sql`SET GLOBAL TimeZone = 'UTC'`);
    await writer.run(sql`SET enable_progress_bar = false`);
    await writer.run(sql`SET allowed_directories = ${literal([...options.folders, options.scratch])}`);
    await writer.run(sql`SET enable_external_access = false`);
    return { instance, writer };
  } catch (e) {
    instance.closeSync();
    throw e;
  }
}

export function closeInstance({ instance, writer }: Opened): void {
  writer.closeSync();
  instance.closeSync();
}

const RELEASE_MS = 2000;
const LOOK_EVERY_MS = 20;

/**
 * Has this process let go of the file? Its lock is no help, since it is the process's own, and two instances on one file end in a corrupt file.
 * Where the system does not tell, the answer is no.
 */
export async function isReleased(path: string): Promise<boolean> {
  for (let waited = 0; waited <= RELEASE_MS; waited += LOOK_EVERY_MS) {
    const open = await openFiles();
    if (open === undefined) return false;
    if (!open.includes(path)) return true;
    await delay(LOOK_EVERY_MS);
  }
  return false;
}

async function openFiles(): Promise<string[] | undefined> {
  const names = await readdir('/proc/self/fd').catch(() => undefined);
  // Those that were closed meanwhile lead nowhere.
  return names && Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
}

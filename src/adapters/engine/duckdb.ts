/** The engine: one DuckDB session, in memory, spilling to a scratch folder. */
import { sessionOf } from '../../lib/duckdb.ts';
import type { Engine } from '../../ports/engine.ts';

export interface DuckDbEngineOptions {
  /** Bytes; resident memory may exceed it by up to 15 %. */
  memoryLimit: number;
  threads: number;
  /** Where it spills; must exist. */
  scratch: string;
}

/** Opens a session. Times are UTC; rows keep the order of the file they come from. */
export async function openDuckDbEngine(options: DuckDbEngineOptions): Promise<Engine> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(options.threads),
    memory_limit: `${Math.floor(options.memoryLimit / 1e6)}MB`,
    temp_directory: options.scratch,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run('SET enable_progress_bar = false');
  return {
    ...sessionOf(connection, 'curate.failed'),
    async close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

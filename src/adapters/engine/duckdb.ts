/** The engine: DuckDB in memory, spilling to a scratch folder. */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { createInstance, type InstanceOptions, isInvalidated, sessionOf } from '../../lib/duckdb.ts';
import type { Engine } from '../../ports/engine.ts';

/** Opens one session with an instance of its own. Times are UTC; rows keep the order of the file they come from. */
export async function openDuckDbEngine(options: InstanceOptions): Promise<Engine> {
  const pool = duckDbEngines(options);
  const engine = await pool.open();
  return {
    ...engine,
    async close() {
      await engine.close();
      await pool.close();
    },
  };
}

export interface EnginePool {
  /** A new session: temporary tables and variables are its own. */
  open(): Promise<Engine>;
  close(): Promise<void>;
}

/** Sessions that share one instance, which starts with the first: opening one costs a millisecond, not fifty. After a fatal error the next gets a new one. */
export function duckDbEngines(options: InstanceOptions): EnginePool {
  const start = () => createInstance(':memory:', options);
  let starting: Promise<DuckDBInstance> | undefined;
  return {
    async open() {
      starting ??= start();
      const tried = starting;
      const connection = await connect(await tried).catch(async (e) => {
        if (!isInvalidated(e)) throw e;
        const closed = await tried;
        // Of several that find it closed, the first replaces it.
        if (starting === tried) {
          starting = start();
          closed.closeSync();
        }
        return connect(await starting!);
      });
      return {
        ...sessionOf(connection, 'curate.failed'),
        close: async () => connection.closeSync(),
      };
    },
    async close() {
      (await starting)?.closeSync();
      starting = undefined;
    },
  };
}

async function connect(instance: DuckDBInstance): Promise<DuckDBConnection> {
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run('SET enable_progress_bar = false');
  return connection;
}

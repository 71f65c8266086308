/**
 * The SQL engine that parses, types, filters and writes Parquet: DuckDB, one session per worker.
 * It is a port so that stages and formats do not build it themselves, not because it will be another engine.
 */
export interface Engine {
  /** Runs statements that return nothing of interest. Errors: GranaryError `curate.failed` with the engine's message, or `store.disk_full`. */
  run(sql: string): Promise<void>;
  /** All rows of a small result. Integers up to 2^53 come as numbers, larger and decimals as text, dates and times as ISO text. */
  all<Row = Record<string, unknown>>(sql: string): Promise<Row[]>;
  /** Rows in batches, of a result of any size; throws if the result stops before its proven end. */
  batches<Row = Record<string, unknown>>(sql: string): AsyncIterable<Row[]>;
  /** Stops what is running. */
  interrupt(): void;
  close(): Promise<void>;
}

/** A connection that reads one snapshot and can be ended at any moment without a trace. */
import type { DuckDBConnection, DuckDBResult, Json } from '@duckdb/node-api';
import { drain } from '../../../lib/duckdb.ts';

export class Reader {
  readonly connection: DuckDBConnection;
  private readonly onClose: (reader: Reader) => void;
  private result: DuckDBResult | undefined;
  private rows: AsyncIterator<Json[][]> | undefined;
  /** Settles when the fetch under way is done: the driver takes one at a time. */
  private fetching: Promise<unknown> = Promise.resolve();
  private closed: Promise<void> | undefined;

  private constructor(connection: DuckDBConnection, onClose: (reader: Reader) => void) {
    this.connection = connection;
    this.onClose = onClose;
  }

  static async open(connection: DuckDBConnection, onClose: (reader: Reader) => void): Promise<Reader> {
    await connection.run('BEGIN TRANSACTION READ ONLY');
    return new Reader(connection, onClose);
  }

  /** Starts a statement whose rows `next` gives; one per reader. */
  async stream(statement: string): Promise<void> {
    this.result = await this.connection.stream(statement);
    this.rows = this.result.yieldRowsJson();
  }

  /** The next rows; undefined at what looks like the end, or after `close`. */
  async next(): Promise<Json[][] | undefined> {
    if (this.closed || !this.rows) return undefined;
    const fetch = this.rows.next();
    this.fetching = fetch.catch(() => undefined);
    const { done, value } = await fetch;
    return done ? undefined : value;
  }

  /** Stops what is running and gives everything back. */
  close(): Promise<void> {
    this.closed ??= this.release();
    return this.closed;
  }

  private async release(): Promise<void> {
    this.connection.interrupt();
    await this.fetching;
    if (this.result) await drain(this.connection, this.result);
    await this.connection.run('ROLLBACK').catch(() => undefined);
    this.connection.closeSync();
    this.onClose(this);
  }
}

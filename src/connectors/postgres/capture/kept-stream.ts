/**
 * The stream that the last extraction has read from, for the next one to go on with. A new one costs the server more than the log that is new: it decodes
 * again all that was written since the oldest transaction began that is not read yet, and for a transaction of minutes it does so at every extraction.
 */
import type { PostgresDatabase } from '../database.ts';
import type { Relation } from '../replication/messages.ts';
import type { ChangeStream } from '../replication/stream.ts';
import { resting } from './holder.ts';
import { slotOf } from './slot.ts';

/** A stream that nobody asks for is closed after so many milliseconds: then others can have the slot. */
const KEPT_MS = 120_000;
/** How often it is looked meanwhile whether the server is there: one that shuts down waits for streams until these have taken everything. */
const LOOK_MS = 500;

export interface KeptStream {
  stream: ChangeStream;
  /** Everything before was read; it goes on from here. */
  lsn: string;
  system: string;
  publication: string;
  /** Tables as the stream has described them, by their oid: it does not do so again. */
  relations: Map<number, Relation>;
}

export class StreamKeeper {
  readonly #database: PostgresDatabase;
  readonly #slot: string;
  #kept: KeptStream | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(database: PostgresDatabase, slot: string) {
    this.#database = database;
    this.#slot = slot;
  }

  /** The one that goes on at `lsn`, if it is there, and it has the slot; whoever takes it keeps it again or closes it. */
  async take(lsn: string | undefined, publication: string): Promise<KeptStream | undefined> {
    const kept = this.#forget();
    if (!kept) return undefined;
    try {
      if (!kept.stream.broken && kept.lsn === lsn && kept.publication === publication) {
        const slot = await slotOf(this.#database, this.#slot);
        // Of the same server, whatever the name of the host stands for now.
        if (slot && slot.lost === undefined && slot.pid === kept.stream.pid && !kept.stream.broken) return kept;
      }
    } catch (e) {
      kept.stream.close();
      throw e;
    }
    kept.stream.close();
    return undefined;
  }

  keep(kept: KeptStream): void {
    this.close();
    kept.stream.rest();
    this.#kept = kept;
    resting.set(kept.stream.pid, () => this.close());
    this.#timer = setTimeout(() => this.close(), KEPT_MS);
    this.#timer.unref();
    this.#looking = setInterval(() => void this.#look(kept), LOOK_MS).unref();
  }

  async #look(kept: KeptStream): Promise<void> {
    try {
      await this.#database.query('looking whether the server is there', 'SELECT 1');
    } catch {
      if (this.#kept === kept) this.close();
    }
  }

  close(): void {
    this.#forget()?.stream.close();
  }

  #forget(): KeptStream | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    clearTimeout(this.#timer);
    clearInterval(this.#looking);
    if (kept) resting.delete(kept.stream.pid);
    return kept;
  }
}

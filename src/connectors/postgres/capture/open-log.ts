/** The log of the server while an extraction reads it: by a stream that the last one has kept, or by a new one. */
import { GranaryError } from '../../../lib/errors.ts';
import type { PostgresDatabase } from '../database.ts';
import { postgresDialect } from '../dialect.ts';
import { sqlStateOf } from '../errors.ts';
import { formatLsn } from '../replication/lsn.ts';
import type { Relation } from '../replication/messages.ts';
import { ChangeStream } from '../replication/stream.ts';
import type { StreamHandler } from '../replication/stream-query.ts';
import type { Session } from '../session.ts';
import type { CaptureNames } from './capture.ts';
import { nameOfHolder, takeOver } from './holder.ts';
import type { StreamKeeper } from './kept-stream.ts';
import { openReplication, systemOf } from './server.ts';
import { dropSlot, isActive, slotOf, untilReleased } from './slot.ts';

/** SQLSTATEs of errors that come again at the same place: of features, data, functions, and of the server itself. */
const OF_A_CHANGE = /^(0A|22|2[1-7]|38|39|54|P0|XX)/;

const { text } = postgresDialect;

export class OpenLog {
  /** The identifier of the cluster. */
  readonly system: string;
  /** Tables as the stream has described them so far, by their oid. */
  relations = new Map<number, Relation>();
  readonly #database: PostgresDatabase;
  readonly #names: CaptureNames;
  readonly #keeper: StreamKeeper;
  /** From which a stream can be made. */
  #session: Session | undefined;
  #stream: ChangeStream | undefined;
  /** Where the stream goes on. */
  #lsn = '';

  private constructor(database: PostgresDatabase, names: CaptureNames, keeper: StreamKeeper, system: string) {
    this.#database = database;
    this.#names = names;
    this.#keeper = keeper;
    this.system = system;
  }

  /** `lsn`: the place from which is read, if it is known. */
  static async open(
    database: PostgresDatabase,
    names: CaptureNames,
    keeper: StreamKeeper,
    lsn: string | undefined,
  ): Promise<OpenLog> {
    const kept = await keeper.take(lsn, names.publication);
    if (kept) {
      const log = new OpenLog(database, names, keeper, kept.system);
      log.relations = kept.relations;
      log.#stream = kept.stream;
      log.#lsn = kept.lsn;
      return log;
    }
    const session = await openReplication(database);
    try {
      const log = new OpenLog(database, names, keeper, await systemOf(session));
      log.#session = session;
      return log;
    } catch (e) {
      session.destroy();
      throw e;
    }
  }

  /** The stream cannot be gone on with. */
  async renew(): Promise<void> {
    if (!this.#stream) return;
    this.#stream.close();
    this.#stream = undefined;
    this.relations = new Map();
  }

  /** A stream that begins at `start`, if there is none. */
  async begin(start: bigint, signal: AbortSignal | undefined): Promise<void> {
    if (this.#stream && this.#lsn === formatLsn(start)) return;
    await this.renew();
    const { slot, publication } = this.#names;
    const options = { slot, publication, start, silence: this.#database.config.silence, signal };
    this.#stream = await untilReleased(
      async () => {
        const session = this.#session && !this.#session.broken ? this.#session : await openReplication(this.#database);
        this.#session = undefined;
        return this.#guarded(ChangeStream.open(session, options));
      },
      () => takeOver(this.#database, slot),
    ).catch(async (e) => {
      if (!isActive(e)) throw e;
      throw this.#taken(`${await nameOfHolder(this.#database, slot)} reads`);
    });
    await this.#checkStart(start);
  }

  read(handler: StreamHandler, start: bigint, signal: AbortSignal | undefined): Promise<void> {
    return this.#guarded(this.#stream!.read(handler, start, signal)).catch((e) => {
      if (!OF_A_CHANGE.test(sqlStateOf(e))) throw e;
      const { slot } = this.#names;
      throw new GranaryError(
        'connector.protocol',
        `${this.#database.endpoint}: the server cannot tell a change that is in its log: ${(e as Error).message}.`,
        {
          cause: e,
          hint: `Mend what it names, if that can be. Otherwise pass over it: SELECT pg_replication_slot_advance(${text(slot)}, pg_current_wal_lsn()); then all tables are read anew.`,
        },
      );
    });
  }

  /** The next extraction may go on with the stream, at `lsn`. */
  keep(lsn: string = this.#lsn): void {
    const stream = this.#stream;
    this.#stream = undefined;
    const { publication } = this.#names;
    if (stream) this.#keeper.keep({ stream, lsn, publication, system: this.system, relations: this.relations });
    this.close();
  }

  close(): void {
    this.#stream?.close();
    this.#session?.destroy();
  }

  /** Only the making of a publication after the slot, by somebody else, leads to this error. */
  async #guarded<T>(use: Promise<T>): Promise<T> {
    try {
      return await use;
    } catch (e) {
      if (sqlStateOf(e) !== '42704') throw e;
      const { slot, publication } = this.#names;
      await dropSlot(this.#database, slot);
      throw new GranaryError(
        'connector.changed',
        `${this.#database.endpoint}: the log cannot be read with the publication ${publication}: it was made anew.`,
        {
          transient: true,
          cause: e,
          hint: 'The tables are read anew by the next attempt.',
        },
      );
    }
  }

  /** The server silently begins later when what was asked for was acknowledged by somebody: from now on nobody else can. */
  async #checkStart(start: bigint): Promise<void> {
    const slot = await slotOf(this.#database, this.#names.slot);
    if (slot && slot.confirmed <= start) return;
    throw this.#taken('somebody else reads');
  }

  #taken(who: string): GranaryError {
    return new GranaryError(
      'connector.changed',
      `${this.#database.endpoint}: ${who} from the replication slot ${this.#names.slot}.`,
      {
        transient: true,
        hint: 'Give each project that captures a slot of its own: capture: { slot: … }.',
      },
    );
  }
}

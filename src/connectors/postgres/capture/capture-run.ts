/** One extraction of changes: tables that have to be read whole, or else the log from where it was left. */
import { GranaryError } from '../../../lib/errors.ts';
import type { Extracted, ExtractRequest, ExtractSink, Position } from '../../../ports/extract.ts';
import { cancelled } from '../../lib/faults.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import type { PostgresDatabase } from '../database.ts';
import { queryFault, sqlStateOf } from '../errors.ts';
import { formatLsn, parseLsn } from '../replication/lsn.ts';
import { streamChanges } from '../replication/stream.ts';
import type { Session } from '../session.ts';
import type { CaptureNames } from './capture.ts';
import { complete } from './incomplete.ts';
import { type CapturePosition, type CaptureProgress, positionOf, shortHash, type TableState } from './position.ts';
import { ChangeReader } from './reader.ts';
import { ensurePublication, NOW_LSN, NOW_MS, openReplication, systemOf } from './server.ts';
import { dropSlot, hasSentAll, readableSlot, slotOf, untilReleased } from './slot.ts';
import { copyTable, seenBy } from './snapshot.ts';
import { type CapturedTable, capturedTables, changeOf } from './tables.ts';
import { type Beside, toldOf, untold } from './told.ts';
import type { TypeCatalog } from './types.ts';
import { untilWritersEnd } from './writers.ts';

/** A table that has to be read whole, and why; without a reason, it is new. */
interface Due {
  table: CapturedTable;
  why: string | undefined;
}

export class CaptureRun {
  readonly #database: PostgresDatabase;
  readonly #names: CaptureNames;
  readonly #types: TypeCatalog;
  readonly #request: ExtractRequest<SqlRead>;
  readonly #sink: ExtractSink;
  readonly #position: CapturePosition | undefined;

  constructor(
    database: PostgresDatabase,
    names: CaptureNames,
    types: TypeCatalog,
    request: ExtractRequest<SqlRead>,
    sink: ExtractSink,
  ) {
    this.#database = database;
    this.#names = names;
    this.#types = types;
    this.#request = request;
    this.#sink = sink;
    this.#position = positionOf(request.position);
  }

  async run(): Promise<Extracted> {
    const { endpoint } = this.#database;
    let session: Session | undefined;
    try {
      session = await openReplication(this.#database);
      return await this.#run(session);
    } catch (e) {
      if (this.#request.signal?.aborted) throw cancelled(`reading changes from ${endpoint}`);
      throw queryFault(endpoint, 'reading changes', e);
    } finally {
      session?.destroy();
    }
  }

  async #run(session: Session): Promise<Extracted> {
    const { publication, slot, isOwnPublication } = this.#names;
    const system = await systemOf(session);
    let tables = await this.#tables();
    const isNew = await ensurePublication(this.#database, publication, isOwnPublication, tables);
    if (tables.some((t) => t.member === '')) tables = await this.#tables();
    const end = await this.#end();
    const here = { slot, system, publication, isNewPublication: isNew, end: end.lsn };
    const { start, lost } = await readableSlot(this.#database, here, this.#position, this.#request);
    const due = this.#due(tables, lost);
    const known: CapturePosition = {
      lsn: lost === undefined && this.#position ? this.#position.lsn : formatLsn(start),
      system,
      slot,
      rows: this.#position?.rows ?? 0,
      at: this.#position?.at ?? 0,
      seenAt: this.#position?.seenAt ?? 0,
      tables: {},
      snapshots: this.#position?.snapshots ?? {},
    };
    for (const { dataset } of tables) {
      const state = this.#position?.tables[dataset];
      if (state && !due.some((d) => d.table.dataset === dataset)) known.tables[dataset] = { ...state };
    }
    if (due.length === 0 && this.#request.progress)
      throw new GranaryError('extract.stale', 'The tables that were being read are not wanted any more.', {
        transient: true,
      });
    if (due.length > 0) return this.#readWhole(known, due, start);
    return this.#follow(session, known, tables, end);
  }

  /** Of the log now, with the server's time in milliseconds since 1970. */
  async #end(): Promise<{ lsn: bigint; at: number }> {
    const [[lsn, at] = []] = await this.#database.query('asking how far the log is', `SELECT ${NOW_LSN}, ${NOW_MS}`);
    return { lsn: parseLsn(lsn!), at: Number(at) };
  }

  #tables(): Promise<CapturedTable[]> {
    return capturedTables(this.#database, this.#request.datasets, this.#names.publication);
  }

  #due(tables: readonly CapturedTable[], lost: string | undefined): Due[] {
    const due: Due[] = [];
    for (const table of tables) {
      const state = this.#position?.tables[table.dataset];
      if (!state) due.push({ table, why: undefined });
      else {
        const why = lost ?? changeOf(table, state);
        if (why !== undefined) due.push({ table, why });
      }
    }
    if (lost !== undefined)
      this.#request.warn(`${this.#database.endpoint}: changes were missed, because ${lost}. All tables are read anew.`);
    else for (const { table, why } of due) if (why) this.#request.warn(`${table.name.join('.')} is read anew: ${why}.`);
    return due;
  }

  /** Every table in one state, which the log goes on from. What was read before a kill is not read again. */
  async #readWhole(known: CapturePosition, due: readonly Due[], start: bigint): Promise<Extracted> {
    const { signal, progress } = this.#request;
    const basis = shortHash([
      this.#request.position ?? null,
      formatLsn(start),
      due.map(({ table }) => [table.oid, table.member, table.contract, table.form]),
    ]);
    const before = progress as unknown as CaptureProgress | undefined;
    if (before && before.basis !== basis)
      throw new GranaryError('extract.stale', 'The tables, or the place in the log, are other ones now.', {
        transient: true,
      });
    let rows = before?.rows ?? known.rows;
    const states: Record<string, TableState> = { ...before?.tables };
    const snapshots = { ...known.snapshots, ...before?.snapshots };
    const left = due.filter(({ table }) => !states[table.dataset]);
    if (left.length > 0) {
      await untilWritersEnd(
        this.#database,
        left.map(({ table }) => table),
        this.#request,
      );
      const held = left.map(({ table }) => table.name);
      const snapshot = await this.#database.snapshotOf(held, signal);
      try {
        const { visible, until, at } = await seenBy(snapshot);
        snapshots[until] = visible;
        for (const { table } of left) {
          const floor = Math.max(at, this.#position?.tables[table.dataset]?.floor ?? 0);
          rows++;
          const beside = await copyTable(
            {
              database: this.#database,
              snapshot,
              request: this.#request,
              sink: this.#sink,
              moment: Math.max(floor, known.at),
              position: rows,
              mayLack: this.#position?.tables[table.dataset] !== undefined,
            },
            table,
          );
          const { oid, member, contract, form } = table;
          states[table.dataset] = {
            oid,
            member,
            contract,
            form,
            snapshot: until,
            floor,
            told: toldOf(beside),
          };
          this.#warnOfLost(table, beside);
          const done: CaptureProgress = { basis, rows, tables: states, snapshots };
          await this.#sink.checkpoint(done as unknown as Position);
        }
      } finally {
        await snapshot.close();
      }
    }
    const position: CapturePosition = { ...known, rows, tables: { ...known.tables, ...states }, snapshots };
    return { position: position as unknown as Position, more: true };
  }

  #warnOfLost({ dataset, name }: CapturedTable, beside: Beside): void {
    for (const column of untold(beside, this.#position?.tables[dataset]?.told ?? '').lost)
      this.#request.warn(
        `${name.join('.')} has no column "${column}" any more, which is in the contract of ${dataset}: it is NULL.`,
      );
  }

  /** The log up to where it is now. */
  async #follow(
    session: Session,
    known: CapturePosition,
    tables: readonly CapturedTable[],
    end: { lsn: bigint; at: number },
  ): Promise<Extracted> {
    const { slot, publication } = this.#names;
    const start = parseLsn(known.lsn);
    const { signal, warn, progressed } = this.#request;
    const reader = new ChangeReader({
      sink: this.#sink,
      types: this.#types,
      tables: tables.map((table) => {
        const state = known.tables[table.dataset]!;
        return { table, state, visible: state.snapshot === null ? undefined : known.snapshots[state.snapshot] };
      }),
      start,
      target: end.lsn,
      rows: known.rows,
      at: known.at,
      warn,
      progressed: (rows) => progressed(rows, undefined, 'rows'),
      isAtEnd: () => hasSentAll(this.#database, slot),
      complete: async (incomplete, out) => {
        const snapshot = await this.#database.snapshot(signal);
        try {
          const { until } = await seenBy(snapshot);
          return { written: await complete(this.#database, snapshot, incomplete, out), until: parseLsn(until) };
        } finally {
          await snapshot.close();
        }
      },
    });
    const options = { slot, publication, start, silence: this.#database.config.silence, signal };
    await this.#stream(session, options, reader);
    const { declared, tables: states } = await reader.end();
    const position: CapturePosition = {
      ...known,
      lsn: formatLsn(reader.lsn),
      rows: reader.rows,
      at: reader.at,
      seenAt: reader.more ? known.seenAt : end.at,
      tables: states,
      snapshots: Object.fromEntries(
        Object.entries(known.snapshots).filter(([place]) => Object.values(states).some((s) => s.snapshot === place)),
      ),
    };
    return { position: position as unknown as Position, more: reader.more, declared };
  }

  async #stream(session: Session, options: Parameters<typeof streamChanges>[1], reader: ChangeReader): Promise<void> {
    let current = session;
    await untilReleased(async () => {
      if (current.broken) current = await openReplication(this.#database);
      try {
        await streamChanges(current, options, reader, () => this.#checkStart(options.start));
      } catch (e) {
        if (sqlStateOf(e) !== '42704') throw e;
        // Only the making of a publication after the slot, by somebody else, leads here.
        await dropSlot(this.#database, options.slot);
        throw new GranaryError(
          'connector.changed',
          `${this.#database.endpoint}: the log cannot be read with the publication ${options.publication}: it was made anew.`,
          {
            transient: true,
            cause: e,
            hint: 'The tables are read anew by the next attempt.',
          },
        );
      } finally {
        current.destroy();
      }
    });
  }

  /** The server silently begins later when what was asked for was acknowledged by somebody: from now on nobody else can. */
  async #checkStart(start: bigint): Promise<void> {
    const slot = await slotOf(this.#database, this.#names.slot);
    if (slot && slot.confirmed <= start) return;
    throw new GranaryError(
      'connector.changed',
      `${this.#database.endpoint}: somebody else reads from the replication slot ${this.#names.slot}.`,
      {
        transient: true,
        hint: 'Give each project that captures a slot of its own: capture: { slot: … }.',
      },
    );
  }
}

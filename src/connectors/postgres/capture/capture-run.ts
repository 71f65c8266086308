/** One extraction of changes: tables that have to be read whole, or else the log from where it was left. */
import { GranaryError } from '../../../lib/errors.ts';
import type { Extracted, ExtractRequest, ExtractSink, Position } from '../../../ports/extract.ts';
import { cancelled } from '../../lib/faults.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { isDue, type KnownTrouble, told, troubleOf } from '../../lib/sql/troubles.ts';
import type { PostgresDatabase } from '../database.ts';
import { queryFault } from '../errors.ts';
import { formatLsn, parseLsn } from '../replication/lsn.ts';
import type { CaptureNames } from './capture.ts';
import { complete } from './incomplete.ts';
import type { StreamKeeper } from './kept-stream.ts';
import { OpenLog } from './open-log.ts';
import { type CapturePosition, contractOf, positionOf } from './position.ts';
import { readTables } from './read-whole.ts';
import { ChangeReader } from './reader.ts';
import { ensurePublication, NOW_LSN, NOW_MS } from './server.ts';
import { hasSentAll, readableSlot } from './slot.ts';
import { seenBy } from './snapshot.ts';
import { type CapturedTable, capturedTables, changeOf, type FoundTables } from './tables.ts';
import type { TypeCatalog } from './types.ts';

/** A table that has to be read whole, and why; without a reason, it is new. */
interface Due {
  table: CapturedTable;
  why: string | undefined;
}

export class CaptureRun {
  readonly #database: PostgresDatabase;
  readonly #names: CaptureNames;
  readonly #types: TypeCatalog;
  readonly #keeper: StreamKeeper;
  readonly #request: ExtractRequest<SqlRead>;
  readonly #sink: ExtractSink;
  readonly #position: CapturePosition | undefined;

  constructor(
    database: PostgresDatabase,
    names: CaptureNames,
    types: TypeCatalog,
    keeper: StreamKeeper,
    request: ExtractRequest<SqlRead>,
    sink: ExtractSink,
  ) {
    this.#database = database;
    this.#names = names;
    this.#types = types;
    this.#keeper = keeper;
    this.#request = request;
    this.#sink = sink;
    this.#position = positionOf(request.position);
  }

  async run(): Promise<Extracted> {
    const { endpoint } = this.#database;
    const { signal } = this.#request;
    const { lsn } = this.#position ?? {};
    let log: OpenLog | undefined;
    try {
      log = await OpenLog.open(this.#database, this.#names, this.#keeper, lsn);
      return await this.#run(log);
    } catch (e) {
      log?.close();
      if (signal?.aborted) throw cancelled(`reading changes from ${endpoint}`);
      throw queryFault(endpoint, 'reading changes', e);
    }
  }

  async #run(log: OpenLog): Promise<Extracted> {
    const { publication, slot, isOwnPublication } = this.#names;
    const { system } = log;
    let { tables, troubles } = await this.#tables();
    const [first] = troubles.values();
    if (tables.length === 0 && !this.#position) throw first!;
    const { isNew, refused } = await ensurePublication(this.#database, publication, isOwnPublication, tables);
    if (tables.some((t) => t.member === '')) ({ tables, troubles } = await this.#tables());
    troubles = new Map([...troubles, ...refused]);
    tables = tables.filter((t) => !refused.has(t.dataset));
    if (isNew) await log.renew();
    const end = await this.#end();
    const here = { slot, system, publication, isNewPublication: isNew, end: end.lsn };
    const { start, lost } = await readableSlot(this.#database, here, this.#position, this.#request);
    const aside = this.#aside(tables, troubles);
    tables = tables.filter((t) => !aside[t.dataset]);
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
      troubles: aside,
    };
    for (const { name } of this.#request.datasets) {
      const state = this.#position?.tables[name];
      if (state && aside[name]) known.tables[name] = { ...state, snapshot: null };
      else if (state && !due.some((d) => d.table.dataset === name)) known.tables[name] = { ...state };
    }
    if (due.length === 0 && this.#request.progress)
      throw new GranaryError('extract.stale', 'The tables that were being read are not wanted any more.', {
        transient: true,
      });
    if (due.length === 0) return this.#follow(log, known, tables, end);
    const read = await this.#readWhole(known, due, start, tables.length > due.length);
    log.keep();
    return read;
  }

  /** Of the log now, with the server's time in milliseconds since 1970. */
  async #end(): Promise<{ lsn: bigint; at: number }> {
    const [[lsn, at] = []] = await this.#database.query('asking how far the log is', `SELECT ${NOW_LSN}, ${NOW_MS}`);
    return { lsn: parseLsn(lsn!), at: Number(at) };
  }

  #tables(): Promise<FoundTables> {
    return capturedTables(this.#database, this.#request.datasets, this.#names.publication);
  }

  /** Datasets that are neither read nor followed now: what the catalog says of them, and those that failed a short while ago. */
  #aside(tables: readonly CapturedTable[], troubles: ReadonlyMap<string, GranaryError>): Record<string, KnownTrouble> {
    const at = this.#request.now();
    const aside: Record<string, KnownTrouble> = {};
    for (const dataset of this.#request.datasets) {
      const error = troubles.get(dataset.name);
      if (error) aside[dataset.name] = troubleOf(error, { contract: contractOf(dataset), at, tries: 0 });
    }
    for (const { dataset, contract } of tables) {
      const known = this.#position?.troubles?.[dataset];
      if (known && known.contract === contract && !isDue(known, at)) aside[dataset] = known;
    }
    for (const [dataset, { why, hint = '' }] of Object.entries(aside))
      if (this.#position?.troubles?.[dataset]?.why !== why)
        this.#request.warn(`${dataset} is not captured, and the others go on: ${why} ${hint}`.trimEnd());
    return aside;
  }

  #due(tables: readonly CapturedTable[], lost: string | undefined): Due[] {
    const due: Due[] = [];
    for (const table of tables) {
      const state = this.#position?.tables[table.dataset];
      const trouble = this.#position?.troubles?.[table.dataset];
      if (!state) due.push({ table, why: undefined });
      else {
        const why = lost ?? (trouble ? 'it could not be captured for a while' : changeOf(table, state));
        if (why !== undefined) due.push({ table, why });
      }
    }
    if (lost !== undefined)
      this.#request.warn(`${this.#database.endpoint}: changes were missed, because ${lost}. All tables are read anew.`);
    else for (const { table, why } of due) if (why) this.#request.warn(`${table.name.join('.')} is read anew: ${why}.`);
    return due;
  }

  async #readWhole(
    known: CapturePosition,
    due: readonly Due[],
    start: bigint,
    othersWait: boolean,
  ): Promise<Extracted> {
    const read = await readTables({
      database: this.#database,
      request: this.#request,
      sink: this.#sink,
      before: this.#position,
      tables: due.map(({ table }) => table),
      basis: [
        this.#request.position ?? null,
        formatLsn(start),
        due.map(({ table }) => [table.oid, table.member, table.contract, table.form]),
      ],
      rows: known.rows,
      at: known.at,
      snapshots: known.snapshots,
      othersWait,
    });
    const troubles = { ...known.troubles, ...read.troubles };
    const states = { ...known.tables, ...read.tables };
    for (const dataset of Object.keys(read.troubles)) {
      const state = this.#position?.tables[dataset];
      if (state) states[dataset] = { ...state, snapshot: null };
    }
    const position: CapturePosition = {
      ...known,
      rows: read.rows,
      tables: states,
      snapshots: read.snapshots,
      troubles,
    };
    return { position: position as unknown as Position, more: true, troubles: told(troubles) };
  }

  /** The log up to where it is now. */
  async #follow(
    log: OpenLog,
    known: CapturePosition,
    tables: readonly CapturedTable[],
    end: { lsn: bigint; at: number },
  ): Promise<Extracted> {
    const { slot } = this.#names;
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
      relations: log.relations,
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
    await log.begin(start, signal);
    await reader.recall();
    await log.read(reader, start, signal);
    const { declared, tables: states, troubles: failed } = await reader.end();
    const troubles = { ...known.troubles };
    for (const [dataset, error] of failed) {
      const { contract } = states[dataset]!;
      troubles[dataset] = troubleOf(error, { contract, at: this.#request.now(), tries: 0 });
    }
    const position: CapturePosition = {
      ...known,
      lsn: formatLsn(reader.lsn),
      rows: reader.rows,
      at: reader.at,
      seenAt: reader.more ? known.seenAt : end.at,
      tables: { ...known.tables, ...states },
      snapshots: Object.fromEntries(
        Object.entries(known.snapshots).filter(([place]) => Object.values(states).some((s) => s.snapshot === place)),
      ),
    };
    log.keep(position.lsn);
    return { position: position as unknown as Position, more: reader.more, declared, troubles: told(troubles) };
  }
}

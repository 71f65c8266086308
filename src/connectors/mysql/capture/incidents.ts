/** What happens to captured tables beside changes of rows that the log tells. */
import type { GranaryError } from '../../../lib/errors.ts';
import type { NamedTable, Statement } from '../binlog/statements.ts';
import { CascadeWatch } from './cascades.ts';
import type { Ancestry } from './foreign-keys.ts';
import type { LandingOptions } from './landing.ts';
import type { Output } from './output.ts';

export interface FollowedTable extends NamedTable {
  dataset: string;
  landing: LandingOptions;
  /** Tables by whose changes foreign keys change rows here. */
  ancestors: Ancestry['ancestors'];
}

/** What became of a dataset beside its rows. */
export interface Incident {
  dataset: string;
  /** The table has to be read anew: rows changed in ways that the log does not tell. */
  reason: string | undefined;
  /** Its changes cannot be read from the log. */
  error: GranaryError | undefined;
  /** The table was altered in a way that may be harmless. */
  altered: boolean;
  /** New columns. */
  added: string[];
}

/** By dataset. */
export class Incidents {
  readonly all = new Map<string, Incident>();
  readonly cascades: CascadeWatch;
  readonly #tables: readonly FollowedTable[];
  readonly #output: Output;

  constructor(tables: readonly FollowedTable[], output: Output) {
    this.#tables = tables;
    this.#output = output;
    this.cascades = new CascadeWatch(tables);
  }

  /** What a statement does, beside rows that are logged as such. */
  note(statement: Statement, database: string, text: string): void {
    switch (statement.kind) {
      case 'truncate':
        for (const { dataset } of this.#captured(statement.tables))
          if (!this.isStale(dataset)) this.#output.empty(dataset);
        return;
      case 'drop':
      case 'create':
      case 'rename':
        this.#depend(statement.tables);
        for (const { dataset, table } of this.#captured(statement.tables)) {
          const what = { drop: 'dropped', create: 'made anew', rename: 'renamed' }[statement.kind];
          this.stale(dataset, `${table} was ${what}`);
        }
        return;
      case 'alter':
        this.#depend(statement.tables);
        this.#alter(statement, /\bFOREIGN\b/i.test(text));
        return;
      case 'drop database':
        for (const table of this.#tables)
          if (table.database === statement.database) this.stale(table.dataset, `its database was dropped`);
        return;
      case 'unknown':
        for (const { dataset, table } of this.#tables)
          if (statement.words.has(table.toLowerCase()))
            this.stale(dataset, `a statement was logged instead of its rows: ${shortened(text)} (in ${database})`);
    }
  }

  /** Tables that depend on these by foreign keys may depend on others now. */
  #depend(tables: readonly NamedTable[]): void {
    for (const { database, table } of tables)
      for (const dataset of this.cascades.alteredBy(database, table)) this.#incident(dataset).altered = true;
  }

  #alter({ tables, alter }: Extract<Statement, { kind: 'alter' }>, bindsTables: boolean): void {
    for (const { dataset, database, table, landing } of this.#captured(tables)) {
      const names = new Set(landing.header.map((name) => name.toLowerCase()));
      const changed = [...alter.columns].filter((name) => names.has(name));
      // What the new ones change from here on, until they are looked at, is not known.
      if (bindsTables) this.cascades.changed.set(dataset, `${database}.${table}`);
      if (alter.changesRows) this.stale(dataset, `${table} was altered in a way that changes its rows`);
      else if (changed.length > 0) this.stale(dataset, `${table} was altered: ${changed.join(', ')}`);
      const incident = this.#incident(dataset);
      incident.altered = true;
      incident.added.push(...alter.added.filter((name) => !names.has(name.toLowerCase())));
    }
  }

  #captured(tables: readonly NamedTable[]): FollowedTable[] {
    const isSame = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
    return this.#tables.filter((t) =>
      tables.some(({ database, table }) => isSame(t.database, database) && isSame(t.table, table)),
    );
  }

  everything(reason: string): void {
    for (const { dataset } of this.#tables) this.stale(dataset, reason);
  }

  isStale(dataset: string): boolean {
    return this.all.get(dataset)?.reason !== undefined;
  }

  stale(dataset: string, reason: string): void {
    this.#incident(dataset).reason ??= reason;
  }

  fail(dataset: string, error: GranaryError): void {
    this.stale(dataset, error.message);
    this.#incident(dataset).error ??= error;
  }

  #incident(dataset: string): Incident {
    const known = this.all.get(dataset);
    if (known) return known;
    const incident: Incident = { dataset, reason: undefined, error: undefined, altered: false, added: [] };
    this.all.set(dataset, incident);
    return incident;
  }
}

const shortened = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

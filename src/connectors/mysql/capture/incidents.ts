/** What happens to captured tables beside changes of rows that the log tells. */
import type { NamedTable, Statement } from '../binlog/statements.ts';
import type { LandingOptions } from './landing.ts';
import type { Output } from './output.ts';

export interface FollowedTable extends NamedTable {
  dataset: string;
  landing: LandingOptions;
}

/** What became of a dataset beside its rows. */
export interface Incident {
  dataset: string;
  /** The table has to be read anew: rows changed in ways that the log does not tell. */
  reason: string | undefined;
  /** The table was altered in a way that may be harmless. */
  altered: boolean;
  /** New columns. */
  added: string[];
}

/** By dataset. */
export class Incidents {
  readonly all = new Map<string, Incident>();
  readonly #tables: readonly FollowedTable[];
  readonly #output: Output;

  constructor(tables: readonly FollowedTable[], output: Output) {
    this.#tables = tables;
    this.#output = output;
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
        for (const { dataset, table } of this.#captured(statement.tables)) {
          const what = { drop: 'dropped', create: 'made anew', rename: 'renamed' }[statement.kind];
          this.stale(dataset, `${table} was ${what}`);
        }
        return;
      case 'alter':
        this.#alter(statement);
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

  #alter({ tables, alter }: Extract<Statement, { kind: 'alter' }>): void {
    for (const { dataset, table, landing } of this.#captured(tables)) {
      const names = new Set(landing.header.map((name) => name.toLowerCase()));
      const changed = [...alter.columns].filter((name) => names.has(name));
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

  #incident(dataset: string): Incident {
    const known = this.all.get(dataset);
    if (known) return known;
    const incident: Incident = { dataset, reason: undefined, altered: false, added: [] };
    this.all.set(dataset, incident);
    return incident;
  }
}

const shortened = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

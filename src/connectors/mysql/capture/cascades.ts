/**
 * Notices changes of tables by which the server changes rows of captured ones through foreign keys, of which its log says nothing: those tables are read anew
 * in a while. Of a table that is read anew so, the log is followed as before until then.
 */
import { type BinlogEvent, HEADER } from '../binlog/events.ts';
import { RowLocator, type RowsEvent } from '../binlog/rows.ts';
import type { TableMap } from '../binlog/table-map.ts';
import { type Ancestor, placeOf } from './foreign-keys.ts';
import type { FollowedTable } from './incidents.ts';

/** Of a rows event: the session had `foreign_key_checks = 0`, and nothing was cascaded. */
const NO_CHECKS = 2;

/** What is watched of one table: who is changed by it. */
export interface Watched {
  map: TableMap;
  heirs: { dataset: string; ancestor: Ancestor }[];
  before: RowLocator;
  after: RowLocator;
}

export class CascadeWatch {
  /** Datasets with the table that was changed, in transactions that are whole. */
  readonly changed = new Map<string, string>();
  readonly #current = new Map<string, string>();
  readonly #heirs = new Map<string, Watched['heirs']>();

  constructor(tables: readonly FollowedTable[]) {
    for (const { dataset, ancestors } of tables)
      for (const [place, ancestor] of ancestors)
        this.#heirs.set(place, [...(this.#heirs.get(place) ?? []), { dataset, ancestor }]);
  }

  /** Undefined: nothing depends on the table. */
  of(map: TableMap): Watched | undefined {
    if (this.#heirs.size === 0) return undefined;
    const heirs = this.#heirs.get(placeOf(map.database, map.table));
    return heirs && { map, heirs, before: new RowLocator(map), after: new RowLocator(map) };
  }

  rows(watched: Watched, { buffer, start }: BinlogEvent, rows: RowsEvent): void {
    if (rows.operation === 'insert' || (buffer.readUInt16LE(start + HEADER + 6) & NO_CHECKS) !== 0) return;
    const { database, table } = watched.map;
    for (const { dataset, ancestor } of watched.heirs) {
      if (this.#current.has(dataset) || this.changed.has(dataset)) continue;
      const isChanged = rows.operation === 'delete' ? ancestor.onDelete : isUpdated(watched, ancestor, rows);
      if (isChanged) this.#current.set(dataset, `${database}.${table}`);
    }
  }

  /** Datasets that the current transaction changes so. */
  get current(): string[] {
    return [...this.#current.keys()];
  }

  /** Datasets whose foreign keys, or those of tables that they depend on, may be other ones now. */
  alteredBy(database: string, table: string): string[] {
    return (this.#heirs.get(placeOf(database, table)) ?? []).map(({ dataset }) => dataset);
  }

  commit(): void {
    for (const [dataset, table] of this.#current) this.changed.set(dataset, table);
    this.#current.clear();
  }

  rollback(): void {
    this.#current.clear();
  }
}

/** Whether a column that is referred to has another value in a row. */
function isUpdated({ map, before, after }: Watched, { columns }: Ancestor, rows: RowsEvent): boolean {
  if (!columns) return false;
  if (!map.isNamed || !rows.isFull) return true;
  const places = map.columns.flatMap((c, i) => (columns.has(c.name.toLowerCase()) ? [i] : []));
  const { buffer, end } = rows;
  for (let p = rows.start; p < end; ) {
    p = after.locate(buffer, before.locate(buffer, p, end), end);
    for (const i of places) {
      const length = before.lengths[i]!;
      if (length !== after.lengths[i]) return true;
      const [a, b] = [before.starts[i]!, after.starts[i]!];
      if (length > 0 && buffer.compare(buffer, b, b + length, a, a + length) !== 0) return true;
    }
  }
  return false;
}

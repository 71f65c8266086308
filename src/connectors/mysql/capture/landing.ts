/** Lines that land for rows of the log: one dataset, and its table as it was at a place of the log. */
import { CHANGED_AT, DELETED_COLUMN, OPERATION, POSITION } from '../../lib/sql/landed.ts';
import type { LineBuffer } from '../../lib/sql/line-buffer.ts';
import type { Encoding } from '../binlog/charsets.ts';
import { RowLocator, type RowsEvent } from '../binlog/rows.ts';
import type { MappedColumn, TableMap } from '../binlog/table-map.ts';
import { type Known, type Write, writerOf } from '../binlog/values.ts';

export interface LandingOptions {
  /** Names at the source, in the order in which they land, the connector's own among them. */
  header: readonly string[];
  key: readonly string[];
  encodingOf(collation: number): Encoding;
  known(column: string): Known;
}

const OWN = new Set([OPERATION, DELETED_COLUMN, CHANGED_AT, POSITION]);
/** The most that a value which is no text takes, beside four times its bytes. */
const VALUE_BYTES = 96;

const NAMES = { insert: Buffer.from('insert'), update: Buffer.from('update'), delete: Buffer.from('delete') };
const [TRUE, FALSE] = [Buffer.from('true'), Buffer.from('false')];

/** The same for all rows of a transaction. */
export interface Moment {
  /** `2026-03-01 12:00:00`, UTC. */
  at: Uint8Array;
}

export class Landing {
  readonly map: TableMap;
  /** For each of the header: its place in the table; −1: the table has not got it, −2: it is the connector's own. */
  readonly #columns: Int32Array;
  readonly #writes: Write[];
  readonly #header: readonly string[];
  readonly #key: number[];
  readonly #before: RowLocator;
  readonly #after: RowLocator;
  readonly #fixed: number;

  /** The table has all columns of the key. Error: `connector.protocol` for a column that cannot be read. */
  constructor(map: TableMap, options: LandingOptions) {
    const { header, key, encodingOf, known } = options;
    this.map = map;
    this.#before = new RowLocator(map);
    this.#after = new RowLocator(map);
    this.#header = header;
    this.#columns = Int32Array.from(header, (name) => (OWN.has(name) ? -2 : indexOf(map.columns, name)));
    this.#writes = Array.from(this.#columns, (place) => {
      const column = map.columns[place];
      if (column) return writerOf(column, encodingOf, known(column.name), map.isMariaDb);
      return (out) => out.null();
    });
    this.#key = key.map((name) => indexOf(map.columns, name));
    this.#fixed = 64 + header.length * VALUE_BYTES;
  }

  /** Writes a line for every row, and two for an update that changes the key. Positions count on from `position`; returns the last one. */
  write(event: RowsEvent, out: LineBuffer, moment: Moment, position: number): number {
    const { buffer, end, operation } = event;
    let at = position;
    for (let p = event.start; p < end; ) {
      const start = p;
      p = this.#before.locate(buffer, p, end);
      if (operation !== 'update') {
        this.#line(buffer, this.#before, p - start, operation, moment, ++at, out);
        continue;
      }
      const middle = p;
      p = this.#after.locate(buffer, p, end);
      if (this.#keyChanged(buffer)) {
        this.#line(buffer, this.#before, middle - start, 'delete', moment, ++at, out);
        this.#line(buffer, this.#after, p - middle, 'insert', moment, ++at, out);
      } else this.#line(buffer, this.#after, p - middle, 'update', moment, ++at, out);
    }
    return at;
  }

  #keyChanged(buffer: Buffer): boolean {
    for (const column of this.#key) {
      const [a, b] = [this.#before.starts[column]!, this.#after.starts[column]!];
      const length = this.#before.lengths[column]!;
      if (length !== this.#after.lengths[column]) return true;
      if (length > 0 && buffer.compare(buffer, a, a + length, b, b + length) !== 0) return true;
    }
    return false;
  }

  #line(
    buffer: Buffer,
    row: RowLocator,
    size: number,
    operation: keyof typeof NAMES,
    moment: Moment,
    position: number,
    out: LineBuffer,
  ): void {
    out.room(size * 4 + this.#fixed);
    const { starts, lengths } = row;
    const columns = this.#columns;
    const writes = this.#writes;
    for (let i = 0; i < columns.length; i++) {
      if (i > 0) out.comma();
      const column = columns[i]!;
      if (column === -2) own(this.#header[i]!, operation, moment, position, out);
      else if (column < 0 || lengths[column]! < 0) out.null();
      else writes[i]!(out, buffer, starts[column]!, lengths[column]!);
    }
    out.endLine();
  }
}

function own(name: string, operation: keyof typeof NAMES, moment: Moment, position: number, out: LineBuffer): void {
  if (name === OPERATION) out.plain(NAMES[operation]);
  else if (name === DELETED_COLUMN) out.plain(operation === 'delete' ? TRUE : FALSE);
  else if (name === CHANGED_AT) out.plain(moment.at);
  else out.integer(position);
}

/** Exactly, or else without regard to case. */
function indexOf(columns: readonly MappedColumn[], name: string): number {
  const exact = columns.findIndex((c) => c.name === name);
  return exact >= 0 ? exact : columns.findIndex((c) => c.name.toLowerCase() === name.toLowerCase());
}

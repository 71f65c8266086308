/** How tables were at this place of the log, by the numbers that rows name them with. */
import { type BinlogEvent, HEADER } from '../binlog/events.ts';
import { readTableMap, type TableMap, tableIdOf } from '../binlog/table-map.ts';
import type { CascadeWatch, Watched } from './cascades.ts';
import type { FollowedTable } from './incidents.ts';
import type { Landing } from './landing.ts';

export interface Mapped {
  bytes: Buffer;
  map: TableMap;
  landings: Map<FollowedTable, Landing>;
  /** Rows of others change with its own. */
  watched: Watched | undefined;
}

export class TableMaps {
  readonly #isMariaDb: boolean;
  readonly #cascades: CascadeWatch;
  readonly #maps = new Map<number, Mapped>();

  constructor(isMariaDb: boolean, cascades: CascadeWatch) {
    this.#isMariaDb = isMariaDb;
    this.#cascades = cascades;
  }

  /** It is described before every transaction, and nearly always as before. */
  take({ buffer, start, end }: BinlogEvent): void {
    const id = tableIdOf(buffer, start);
    const known = this.#maps.get(id);
    const size = end - start - HEADER;
    if (known && known.bytes.length === size && buffer.compare(known.bytes, 0, size, start + HEADER, end) === 0) return;
    const bytes = Buffer.from(buffer.subarray(start + HEADER, end));
    const map = readTableMap(buffer, start, end, this.#isMariaDb);
    this.#maps.set(id, { bytes, map, landings: new Map(), watched: this.#cascades.of(map) });
  }

  /** The table whose rows an event has. */
  of({ buffer, start }: BinlogEvent): Mapped | undefined {
    return this.#maps.get(tableIdOf(buffer, start));
  }

  clear(): void {
    this.#maps.clear();
  }
}

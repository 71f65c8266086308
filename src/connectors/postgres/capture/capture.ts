/** Changes of PostgreSQL tables, from its logical replication. What a position, an object and a re-snapshot are: `docs/guide/databases.md`. */
import type {
  ExtractDataset,
  Extracted,
  ExtractRequest,
  ExtractSink,
  FeedLag,
  Position,
} from '../../../ports/extract.ts';
import type { ChangeCapture } from '../../lib/sql/capture.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import type { PostgresDatabase } from '../database.ts';
import { CaptureRun } from './capture-run.ts';
import { StreamKeeper } from './kept-stream.ts';
import { LogWatch } from './lag.ts';
import { positionOf } from './position.ts';
import { TypeCatalog } from './types.ts';

export interface CaptureNames {
  publication: string;
  slot: string;
  /** Nobody has named the publication: it is for this source alone. */
  isOwnPublication: boolean;
}

export class PostgresCapture implements ChangeCapture {
  readonly #database: PostgresDatabase;
  readonly #names: CaptureNames;
  readonly #types: TypeCatalog;
  readonly #watch: LogWatch;
  readonly #keeper: StreamKeeper;

  /** `source`: for names at the server. */
  constructor(database: PostgresDatabase, source: string) {
    const { publication, slot } = database.config.capture;
    const name = nameFor(source);
    this.#database = database;
    this.#names = { publication: publication ?? name, slot: slot ?? name, isOwnPublication: publication === undefined };
    this.#types = new TypeCatalog(database);
    this.#keeper = new StreamKeeper(database, this.#names.slot);
    this.#watch = new LogWatch(database, this.#names.slot);
  }

  extract(request: ExtractRequest<SqlRead>, sink: ExtractSink): Promise<Extracted> {
    return new CaptureRun(this.#database, this.#names, this.#types, this.#keeper, request, sink).run();
  }

  hasNew(datasets: readonly ExtractDataset<SqlRead>[], position: Position | undefined): Promise<boolean> {
    return this.#watch.hasMoved(datasets, positionOf(position));
  }

  lag(_datasets: readonly ExtractDataset<SqlRead>[], position: Position | undefined): Promise<FeedLag> {
    return this.#watch.lag(positionOf(position));
  }

  close(): void {
    this.#keeper.close();
  }
}

/** Names of slots are of lower-case letters, digits and _, 63 at most. */
export const nameFor = (source: string): string =>
  `granary_${source.toLowerCase().replace(/[^a-z0-9]+/g, '_')}`.slice(0, 63).replace(/_+$/, '');

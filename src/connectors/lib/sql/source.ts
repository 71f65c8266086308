/** An open database as a source of records. */
import { GranaryError } from '../../../lib/errors.ts';
import type {
  ExtractDataset,
  Extracted,
  ExtractRequest,
  ExtractSink,
  ExtractSource,
  FeedLag,
  Offer,
  Position,
  Proposal,
} from '../../../ports/extract.ts';
import type { ChangeCapture } from './capture.ts';
import type { SqlDatabase } from './database.ts';
import { Extraction } from './extraction.ts';
import { offerOf, proposalOf } from './propose.ts';
import type { SqlRead } from './read.ts';
import { parseTableName } from './table-name.ts';

export class SqlSource implements ExtractSource<SqlRead> {
  readonly #database: SqlDatabase;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  readonly #capture: ChangeCapture | undefined;

  constructor(database: SqlDatabase, capture?: ChangeCapture) {
    this.#database = database;
    this.#capture = capture;
  }

  /** An extraction holds a connection while it waits for others: so half of them are never held that way. */
  async extract(request: ExtractRequest<SqlRead>, sink: ExtractSink): Promise<Extracted> {
    if (isCaptured(request.datasets)) return this.#changes().extract(request, sink);
    const most = Math.floor(this.#database.connections / 2);
    while (this.#running >= most) await new Promise<void>((wake) => this.#waiting.push(wake));
    this.#running++;
    try {
      return await new Extraction(this.#database, request, sink).run();
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async hasNew(
    _feed: string,
    datasets: readonly ExtractDataset<SqlRead>[],
    position: Position | undefined,
  ): Promise<boolean | undefined> {
    return isCaptured(datasets) ? this.#changes().hasNew(datasets, position) : undefined;
  }

  async lag(
    _feed: string,
    datasets: readonly ExtractDataset<SqlRead>[],
    position: Position | undefined,
  ): Promise<FeedLag> {
    return isCaptured(datasets) ? this.#changes().lag(datasets, position) : {};
  }

  #changes(): ChangeCapture {
    if (this.#capture) return this.#capture;
    throw new GranaryError('connector.unsupported', `${this.#database.endpoint}: changes cannot be captured from it.`, {
      hint: 'Read tables with a watermark instead.',
    });
  }

  async *offers(): AsyncGenerator<Offer> {
    for (const table of await this.#database.tables(undefined)) yield offerOf(table);
  }

  async propose(offer: Offer): Promise<Proposal> {
    const [table] = await this.#database.tables(parseTableName(offer.name));
    const name = table?.name ?? parseTableName(offer.name)!.map((part) => part.text);
    return proposalOf(offer.name, await this.#database.facts(name));
  }

  close(): Promise<void> {
    this.#capture?.close?.();
    return this.#database.close();
  }
}

const isCaptured = ([first]: readonly ExtractDataset<SqlRead>[]): boolean => first?.read.changes !== undefined;

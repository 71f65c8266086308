/** An open database as a source of records. */
import type { Extracted, ExtractRequest, ExtractSink, ExtractSource, Offer, Proposal } from '../../../ports/extract.ts';
import type { SqlDatabase } from './database.ts';
import { Extraction } from './extraction.ts';
import { offerOf, proposalOf } from './propose.ts';
import type { SqlRead } from './read.ts';
import { parseTableName } from './table-name.ts';

export class SqlSource implements ExtractSource<SqlRead> {
  readonly #database: SqlDatabase;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  /** An extraction holds a connection while it waits for others: so half of them are never held that way. */
  async extract(request: ExtractRequest<SqlRead>, sink: ExtractSink): Promise<Extracted> {
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

  async *offers(): AsyncGenerator<Offer> {
    for (const table of await this.#database.tables(undefined)) yield offerOf(table);
  }

  async propose(offer: Offer): Promise<Proposal> {
    const [table] = await this.#database.tables(parseTableName(offer.name));
    const name = table?.name ?? parseTableName(offer.name)!.map((part) => part.text);
    return proposalOf(offer.name, await this.#database.facts(name));
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

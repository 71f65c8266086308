/** Changes of MariaDB and MySQL: tables once as a whole, and from there on what the log says. */
import { GranaryError } from '../../../lib/errors.ts';
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
import { Charsets } from '../binlog/charsets.ts';
import type { MysqlDatabase } from '../database.ts';
import { NOW } from './asking.ts';
import { CaptureRun } from './capture-run.ts';
import { flavourOf } from './flavour.ts';
import { type CaughtUp, lagOf } from './lag.ts';
import { contractOf, isDue, positionOf } from './position.ts';
import { type CapturedTable, capturedTable } from './tables.ts';

export class MysqlCapture implements ChangeCapture {
  readonly #database: MysqlDatabase;
  readonly #tables = new Map<string, { contract: string; table: CapturedTable }>();
  #charsets: Promise<Charsets> | undefined;
  #caughtUp: CaughtUp | undefined;

  constructor(database: MysqlDatabase) {
    this.#database = database;
  }

  async extract(request: ExtractRequest<SqlRead>, sink: ExtractSink): Promise<Extracted> {
    return new CaptureRun(this.#database, this, request, sink).run();
  }

  /** By the list of transactions in the log, on a connection that stays open. A server that does not answer is told of. */
  async hasNew(datasets: readonly ExtractDataset<SqlRead>[], given: Position | undefined): Promise<boolean> {
    const position = positionOf(given);
    if (!position) return true;
    const now = Date.now();
    for (const dataset of datasets) {
      const state = position.tables[dataset.name];
      if (!state || state.contract !== contractOf(dataset)) return true;
      if (isDue(state, now)) return true;
    }
    const { gtids, gtidsInLog } = flavourOf(this.#database);
    const [[gtid, id, at] = []] = await this.#inTime(
      this.#database.query('asking for the position', `SELECT ${gtidsInLog}, @@GLOBAL.server_id, ${NOW}`),
    );
    const isStill = Number(id) === position.server && gtids(gtid ?? '').text === gtids(position.gtid).text;
    if (isStill) this.#caughtUp = { gtid: position.gtid, at: Number(at) };
    return !isStill;
  }

  async lag(_datasets: readonly ExtractDataset<SqlRead>[], position: Position | undefined): Promise<FeedLag> {
    const { caughtUp, ...lag } = await this.#inTime(lagOf(this.#database, positionOf(position), this.#caughtUp));
    this.#caughtUp = caughtUp ?? this.#caughtUp;
    return lag;
  }

  /** A server that is gone without a word is noticed. */
  async #inTime<T>(question: Promise<T>): Promise<T> {
    const { timeout } = this.#database.settings;
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, failed) => {
      const error = new GranaryError('connector.lost', `${this.#database.endpoint} says nothing for ${timeout} s.`, {
        transient: true,
      });
      timer = setTimeout(() => failed(error), timeout * 1000);
    });
    try {
      return await Promise.race([question, silence]);
    } finally {
      clearTimeout(timer);
    }
  }

  charsets(): Promise<Charsets> {
    this.#charsets ??= Charsets.load((sql) => this.#database.query('asking for character sets', sql));
    this.#charsets.catch(() => {
      this.#charsets = undefined;
    });
    return this.#charsets;
  }

  /** What the catalog says; `shape` that of the position, if there is one. Error: `connector.not_found`. */
  async table(dataset: ExtractDataset<SqlRead>, shape: string | undefined): Promise<CapturedTable> {
    const contract = contractOf(dataset);
    const known = this.#tables.get(dataset.name);
    if (known?.contract === contract && known.table.shape === shape) return known.table;
    const table = await capturedTable(this.#database, dataset);
    this.#tables.set(dataset.name, { contract, table });
    return table;
  }

  /** The table was altered. */
  forget(dataset: string): void {
    this.#tables.delete(dataset);
  }
}

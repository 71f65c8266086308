/** One captured dataset while the log is read: its lines, the object that is open, and rows that wait for their values. */
import type { GranaryError } from '../../../lib/errors.ts';
import type { ExtractSink } from '../../../ports/extract.ts';
import { landedLine } from '../../lib/sql/landed.ts';
import { LineBuffer } from '../../lib/sql/line-buffer.ts';
import { formatTime } from '../../lib/sql/times.ts';
import { parseLsn } from '../replication/lsn.ts';
import type { Begin, Relation, RowMessage } from '../replication/messages.ts';
import { type Incomplete, Landing, type Moment } from './landing.ts';
import type { TableState } from './position.ts';
import type { CapturedTable } from './tables.ts';
import { toldOf, untold } from './told.ts';
import { isOfOneTable } from './troubles.ts';
import type { TypeCatalog } from './types.ts';
import { visibleIn } from './visible.ts';

export class Target {
  readonly table: CapturedTable;
  readonly lines = new LineBuffer();
  /** Rows of which the log has not all values. */
  incomplete: Incomplete[] = [];
  /** In the object that is open. */
  rows = 0;
  #isBegun = false;
  /** The current transaction was in the rows that were read at first. */
  isSkipped = false;
  /** Why its changes are not read any more. */
  trouble: GranaryError | undefined;
  readonly #state: TableState;
  readonly #sink: ExtractSink;
  readonly #isVisible: ((xid: number) => boolean) | undefined;
  #moment: Moment = '';
  #landing: Landing | undefined;
  /** What was recalled does not fit the dataset. */
  #unfit: GranaryError | undefined;
  readonly #header: Buffer;
  readonly #keep = (row: Incomplete) => void this.incomplete.push(row);

  /** `visible`: of the snapshot that the table was read in, if the log has not been read beyond it. */
  constructor(table: CapturedTable, state: TableState, visible: string | undefined, sink: ExtractSink) {
    this.table = table;
    this.#state = { ...state };
    this.#sink = sink;
    this.#header = landedLine(table.header);
    this.#isVisible = visible === undefined ? undefined : visibleIn(visible);
  }

  /** `at`: when it was committed, in microseconds since 1970, and `moment` the same as it lands. */
  begin({ xid }: Begin, at: number, moment: Moment): void {
    const { floor } = this.#state;
    this.#moment = floor > at ? formatTime(BigInt(floor)) : moment;
    this.isSkipped = this.#isVisible?.(xid) ?? false;
  }

  /** Writes a row message; positions count on from `position`, and the last one is returned. */
  write(row: RowMessage, buffer: Buffer, start: number, end: number, position: number): number {
    const { lines, incomplete } = this;
    if (this.isSkipped) return position;
    if (!this.#landing) {
      this.trouble ??= this.#unfit;
      return position;
    }
    this.beginObject();
    const waiting = incomplete.length;
    const last = this.#landing.write(row, buffer, start, end, lines, this.#moment, position, this.#keep);
    this.rows += last - position - (incomplete.length - waiting);
    return last;
  }

  /** The header, where no object is open. */
  beginObject(): void {
    if (this.#isBegun || this.lines.n > 0) return;
    this.lines.room(this.#header.length);
    this.lines.plain(this.#header, 0, this.#header.length);
  }

  /** As `relate`, of what the stream has said before: an operator was told. */
  async recall(relation: Relation, types: TypeCatalog): Promise<void> {
    const [resolved, scale] = [await types.resolve(relation), await types.moneyScale()];
    try {
      this.#landing = new Landing(this.table, relation, resolved, scale);
    } catch (e) {
      if (!isOfOneTable(e)) throw e;
      // Rows that matter are of another form, which is told before them.
      this.#unfit = e;
    }
  }

  /** What follows is of a table of this form. Of each column that is not read an operator is told once. */
  async relate(relation: Relation, types: TypeCatalog, warn: (message: string) => void): Promise<void> {
    const resolved = await types.resolve(relation);
    const scale = await types.moneyScale();
    // What is skipped was of a form that the rows which were read may not have had; another one is told of before the next row.
    if (this.isSkipped && !Landing.hasKey(this.table, relation)) return;
    let landing: Landing;
    try {
      landing = new Landing(this.table, relation, resolved, scale);
    } catch (e) {
      if (!isOfOneTable(e)) throw e;
      this.trouble ??= e;
      this.#landing = undefined;
      return;
    }
    if (this.trouble) return;
    this.#unfit = undefined;
    this.#landing = landing;
    if (this.isSkipped) return;
    const { lost, unread } = untold(landing, this.#state.told);
    const { dataset } = this.table;
    const title = `${relation.schema}.${relation.table}`;
    for (const name of lost)
      warn(
        `${title} has no column "${name}" any more, which is in the contract of ${dataset}: it is NULL in new rows.`,
      );
    for (const name of unread)
      warn(`${title} has a new column "${name}", which is not in the contract of ${dataset}: it is not read.`);
    this.#state.told = toldOf(landing);
  }

  /** The table has no rows any more: an object says so, which lists all there are. */
  async empty(): Promise<void> {
    if (this.isSkipped || this.trouble) return;
    const { dataset } = this.table;
    this.incomplete = [];
    await this.flush();
    await this.#sink.cut(dataset, { rows: this.rows });
    await this.#sink.open(dataset, { complete: true });
    await this.#sink.write(dataset, this.#header);
    await this.#sink.cut(dataset, { rows: 0 });
    this.#isBegun = false;
    this.rows = 0;
  }

  async flush(): Promise<void> {
    if (this.lines.n === 0) return;
    this.#isBegun = true;
    await this.#sink.write(this.table.dataset, this.lines.filled);
    this.lines.n = 0;
  }

  /** An object is open. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** What is to be remembered when the log was read up to `lsn`. */
  stateAt(lsn: bigint): TableState {
    const { snapshot } = this.#state;
    const isPast = snapshot !== null && lsn >= parseLsn(snapshot);
    return { ...this.#state, form: this.table.form, snapshot: isPast ? null : snapshot };
  }
}

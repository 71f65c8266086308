/** One extraction of one dataset: table after table, with what has to be remembered. */
import { GranaryError } from '../../../lib/errors.ts';
import type {
  ExtractDataset,
  Extracted,
  ExtractRequest,
  ExtractSink,
  Position,
  Totals,
} from '../../../ports/extract.ts';
import type { Snapshot, SqlDatabase } from './database.ts';
import { readsSeveral } from './describe.ts';
import { keyColumns, tellGone } from './gone.ts';
import { markOf, sightBefore } from './mark.ts';
import { ObjectWriter } from './object-writer.ts';
import { landedColumns, type Plan, planFor, queryFrom, startOf, type Wanted, whereOf } from './plan.ts';
import { fingerprintOf, positionOf, type SqlPosition, type SqlProgress, type TableMark } from './position.ts';
import type { SqlRead } from './read.ts';
import { addCounted, type Counted, readDivided, readWhole, type TableReading } from './read-table.ts';
import { parseTableName } from './table-name.ts';
import { Throttle } from './throttle.ts';
import { checkUnchanged } from './unchanged.ts';
import { lowerBound } from './watermark.ts';

/** Bytes of cuts in a checkpoint, and how many. */
const CUT_BYTES = 24_000;
const CUTS = 1000;
/** Tables that one dataset may read: each has its mark in the position. */
const MOST_TABLES = 300;
const MANY_ROWS = 100_000;

export class Extraction {
  readonly #database: SqlDatabase;
  readonly #request: ExtractRequest<SqlRead>;
  readonly #sink: ExtractSink;
  readonly #dataset: ExtractDataset<SqlRead>;
  readonly #read: SqlRead;
  readonly #throttle: Throttle;
  readonly #fingerprint: string;
  readonly #position: SqlPosition | undefined;
  readonly #resumed: SqlProgress | undefined;
  readonly #full: boolean;
  readonly #writer: ObjectWriter;
  readonly #marks: Record<string, TableMark>;
  #counted: Counted;
  #received = 0;
  #estimate: number | undefined;
  #unsaved = 0;

  constructor(database: SqlDatabase, request: ExtractRequest<SqlRead>, sink: ExtractSink) {
    const dataset = request.datasets[0]!;
    const given = request.full ? undefined : request.position;
    this.#database = database;
    this.#request = request;
    this.#sink = sink;
    this.#dataset = dataset;
    this.#read = dataset.read;
    this.#throttle = new Throttle(dataset.read.throttle.rows_per_second);
    this.#fingerprint = fingerprintOf(dataset, given);
    this.#position = positionOf(given, dataset.read);
    if (given && !this.#position)
      request.warn(`The watermark of ${dataset.name} is another one now: all rows are read.`);
    this.#resumed = request.progress as unknown as SqlProgress | undefined;
    if (this.#resumed && this.#resumed.fingerprint !== this.#fingerprint)
      throw new GranaryError('extract.stale', `The dataset ${dataset.name} is read differently now.`, {
        transient: true,
      });
    this.#full = this.#resumed?.full ?? this.#isFull();
    this.#marks = { ...this.#resumed?.tables };
    this.#counted = { rows: this.#resumed?.rows ?? 0, sums: { ...this.#resumed?.sums } };
    this.#received = this.#counted.rows;
    this.#writer = new ObjectWriter({
      sink,
      dataset: dataset.name,
      header: landedColumns(dataset).map((c) => c.from),
      complete: this.#full,
      begun: this.#resumed?.begun ?? false,
      digest: this.#position?.digest ?? null,
    });
  }

  async run(): Promise<Extracted> {
    const { name } = this.#dataset;
    const wanted = await this.#wanted();
    if (this.#full) await this.#writer.begin();
    for (const table of wanted) {
      if (this.#resumed && table.title < this.#resumed.table) continue;
      await this.#table(table);
    }
    if (this.#read.reconcile !== undefined) await this.#reconcile(wanted);
    const { digest } = await this.#writer.end();
    const position: SqlPosition = {
      watermark: this.#read.watermark ?? [],
      tables: this.#marks,
      fullAt: this.#full ? this.#request.now() : (this.#position?.fullAt ?? 0),
      digest,
    };
    const declared: Totals = { rows: this.#counted.rows, ...(this.#read.sums && { sums: this.#counted.sums }) };
    return { position: position as unknown as Position, more: false, declared: { [name]: declared } };
  }

  async #reconcile(wanted: Wanted[]): Promise<void> {
    const keys = keyColumns(this.#dataset);
    const inTable = await this.#request.currentKeys(
      this.#dataset.name,
      keys.map((k) => k.name),
    );
    // An object that lists all rows tells by itself what is gone.
    if (!inTable || this.#full) return;
    this.#counted.rows += await tellGone({
      database: this.#database,
      request: this.#request,
      dataset: this.#dataset,
      keys,
      wanted,
      marks: this.#marks,
      tableKeys: inTable.path,
      write: (bytes) => this.#writer.write(bytes),
    });
  }

  #isFull(): boolean {
    const { full } = this.#read;
    if (!this.#read.watermark || !this.#position || this.#request.full) return true;
    return full !== undefined && this.#request.now() >= this.#position.fullAt + full * 1000;
  }

  async #wanted(): Promise<Wanted[]> {
    const { table } = this.#read;
    if (table === undefined) return [{ title: '', name: undefined }];
    const parts = parseTableName(table)!;
    const found = await this.#database.tables(parts);
    if (found.length === 0 && !readsSeveral(this.#read)) await this.#database.facts(parts.map((p) => p.text));
    if (found.length === 0)
      throw new GranaryError(
        'connector.not_found',
        `${this.#database.endpoint} has no table ${table} for ${this.#dataset.name}`,
        {
          hint: 'Check the name and what the user may read; granary discover lists the tables.',
        },
      );
    if (found.length > MOST_TABLES)
      throw new GranaryError(
        'config.invalid',
        `${table} matches ${found.length} tables; at most ${MOST_TABLES} are read together.`,
        {
          hint: 'Make several datasets of it.',
        },
      );
    return found.map(({ title, name }) => ({ title, name })).sort((a, b) => (a.title < b.title ? -1 : 1));
  }

  async #table({ title, name }: Wanted): Promise<void> {
    const { query, watermark, where } = this.#read;
    const plan = await planFor(this.#database, this.#dataset, { title, name });
    const { facts } = plan;
    const [first] = plan.watermark;
    const horizon = await this.#database.horizon();
    const known = this.#full ? undefined : this.#position?.tables[title];
    if (watermark && horizon.unknown && !known) this.#request.warn(horizon.unknown);
    const lower = first && lowerBound(this.#read, first, known, horizon);
    if (name === undefined) plan.from = queryFrom(query!, startOf(this.#database, plan, lower?.value));
    if (first && lower) this.#warnOfScan(plan, title);
    const resumed = this.#resumed?.table === title ? this.#resumed : undefined;
    const sighted = resumed ? undefined : await sightBefore(this.#database, plan, horizon, this.#request.signal);
    const reading: TableReading = {
      database: this.#database,
      plan,
      title,
      conditions: [where, ...this.#fromLower(plan, lower, known)],
      throttle: this.#throttle,
      scratch: this.#request.scratch,
      signal: this.#request.signal,
      received: (rows) => this.#progressed(rows, facts.rows),
    };
    if (resumed && resumed.done > resumed.cuts.length) {
      this.#finish(title, resumed.mark);
      return;
    }
    const cuts = resumed?.cuts ?? (await this.#cuts(plan, lower?.value));
    let base: Snapshot | undefined = await this.#database.snapshot(this.#request.signal);
    try {
      const mark = sighted ? await markOf(this.#database, this.#read, plan, base, known, sighted) : resumed!.mark;
      if (!lower && first?.nullable) await this.#warnOfNulls(plan, base, title);
      if (cuts.length === 0) {
        this.#add(await readWhole(reading, base, (bytes) => this.#writer.write(bytes)));
        this.#finish(title, mark);
        if (this.#unsaved >= this.#read.chunks.rows) await this.#save(title, mark, [], 1);
        return;
      }
      if (!base.sharesSnapshot) {
        await base.close();
        base = undefined;
      }
      const column = lower ? first! : plan.key[0]!;
      const division = { column, cuts, done: resumed?.done ?? 0, parallel: this.#read.chunks.parallel };
      if (resumed && base && !watermark) await checkUnchanged(resumed, base, reading, division);
      const { state } = base ?? {};
      let rows = resumed?.snapshot?.rows ?? 0;
      await readDivided(
        reading,
        base,
        division,
        (bytes) => this.#writer.write(bytes),
        async (counted, done) => {
          this.#add(counted);
          rows += counted.rows;
          await this.#save(title, mark, cuts, done, state === undefined ? null : { state, rows });
        },
      );
      this.#finish(title, mark);
    } finally {
      await base?.close();
    }
  }

  #fromLower(plan: Plan, lower: ReturnType<typeof lowerBound>, known: TableMark | undefined): string[] {
    const [first, ...rest] = plan.watermark;
    if (!first || !lower) return [];
    const { dialect } = this.#database;
    const ref = dialect.ident(first.name);
    const conditions = [`${ref} ${lower.above ? '>' : '>='} ${dialect.value(lower.value, first)}`];
    const second = known?.value?.[1];
    if (lower.exact && rest[0] && second !== undefined) {
      const next = `${dialect.ident(rest[0].name)} >= ${dialect.value(second, rest[0])}`;
      conditions.push(`${ref} > ${dialect.value(lower.value, first)} OR ${next}`);
    }
    return conditions;
  }

  /** Bounds of parts that are read one by one; none where the table is small or has no fitting index. */
  async #cuts(plan: Plan, from: string | undefined): Promise<string[]> {
    const { name, rows, indexed, kind } = plan.facts;
    const column = from === undefined ? plan.key[0] : plan.watermark[0];
    const { rows: size, parallel } = this.#read.chunks;
    if (!name || kind !== 'table' || !column || !indexed.has(column.name) || (rows ?? 0) <= size) return [];
    // As many parts as are read at once, or a multiple: the last one would be read alone.
    const parts = Math.ceil(rows! / size / parallel) * parallel;
    const wanted = from === undefined ? Math.ceil(rows! / parts) : size;
    let cuts = await this.#database.cuts({ table: name, column, from, rows: wanted, limit: CUTS });
    while (cuts.join().length > CUT_BYTES) cuts = cuts.filter((_, i) => i % 2 === 1);
    return cuts;
  }

  #warnOfScan({ facts, watermark: [first] }: Plan, title: string): void {
    if (facts.kind !== 'table' || facts.indexed.has(first!.name) || (facts.rows ?? 0) < MANY_ROWS) return;
    this.#request.warn(`No index of ${title} begins with ${first!.name}: the server reads the whole table each time.`);
  }

  async #warnOfNulls(plan: Plan, snapshot: Snapshot, title: string): Promise<void> {
    const [first] = plan.watermark;
    const isNull = `${this.#database.dialect.ident(first!.name)} IS NULL`;
    const found = await snapshot.rows(`SELECT 1 FROM ${plan.from}${whereOf([this.#read.where, isNull])} LIMIT 1`);
    if (found.length > 0)
      this.#request.warn(
        `Rows of ${title || 'the query'} have no ${first!.name}: they are only read when all rows are; give "full" for that.`,
      );
  }

  #add(counted: Counted): void {
    this.#counted = addCounted(this.#counted, counted);
    this.#unsaved += counted.rows;
  }

  #finish(title: string, mark: TableMark | null): void {
    if (mark) this.#marks[title] = mark;
  }

  async #save(
    title: string,
    mark: TableMark | null,
    cuts: string[],
    done: number,
    snapshot: SqlProgress['snapshot'] = null,
  ): Promise<void> {
    await this.#writer.release();
    const progress: SqlProgress = {
      fingerprint: this.#fingerprint,
      full: this.#full,
      table: title,
      mark,
      cuts,
      done,
      snapshot,
      tables: this.#marks,
      rows: this.#counted.rows,
      sums: this.#counted.sums,
      begun: this.#writer.begun,
    };
    await this.#sink.checkpoint(progress as unknown as Position);
    this.#unsaved = 0;
  }

  #progressed(rows: number, estimate: number | undefined): void {
    this.#received += rows;
    this.#estimate = Math.max(this.#estimate ?? 0, estimate ?? 0);
    const total = this.#full && this.#estimate > 0 ? Math.max(this.#estimate, this.#received) : undefined;
    this.#request.progressed(this.#received, total, 'rows');
  }
}

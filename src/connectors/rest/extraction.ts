/** One extraction of one dataset: list after list, page after page, into one object. */
import { GranaryError } from '../../lib/errors.ts';
import type { ExtractDataset, Extracted, ExtractRequest, ExtractSink, Position } from '../../ports/extract.ts';
import { anySignal } from '../lib/reading.ts';
import type { RestConfig } from './config.ts';
import { PAGE } from './describe.ts';
import { type DatasetRead, resolveRead } from './endpoint.ts';
import { DistinctKeys } from './keys.ts';
import { Landing } from './landing.ts';
import { type List, listsOf, parentsOf } from './lists.ts';
import { formatMark, higherMark, isTime, type Mark, parseMark } from './marks.ts';
import type { Page } from './page.ts';
import { type From, type Listed, pagesOf } from './pages.ts';
import { FIRST } from './paging.ts';
import { parseKeyPath, valueAt } from './paths.ts';
import type { RestRead } from './read.ts';
import type { Requests } from './requests.ts';
import { fingerprintOf, hashOf, type ListProgress, markOf, positionOf, type RestProgress } from './state.ts';
import { unreadPages } from './unread-pages.ts';

const CHECKPOINT_PAGES = 10;
const CHECKPOINT_BYTES = 8e6;
const CHECKPOINT_MS = 15_000;
/** How often a list is read that changed while it was read. */
const MOST_PASSES = 3;
/** A watermark is not taken from a clock that is more ahead of the server's. */
const AHEAD_MS = 300_000;
const CLOCK_MS = 2000;

interface Opened {
  pages: AsyncGenerator<Listed>;
  first: Promise<IteratorResult<Listed>>;
}

export class Extraction {
  readonly #requests: Requests;
  readonly #request: ExtractRequest<RestRead>;
  readonly #sink: ExtractSink;
  readonly #dataset: ExtractDataset<RestRead>;
  readonly #read: DatasetRead;
  readonly #fingerprint: string;
  readonly #watermark: Mark | undefined;
  readonly #resumed: RestProgress | undefined;
  readonly #startedAt: number;
  readonly #complete: boolean;
  readonly #landing: Landing;
  readonly #abort = new AbortController();
  readonly #opened = new Map<number, Opened>();
  #lists: List[] = [];
  #listsHash = '';
  #records: number;
  #declared: number | null;
  #highest: Mark | undefined;
  #serverAt: number | null;
  #lastEmpty: Page | undefined;
  #sinceCheckpoint = { pages: 0, bytes: 0, at: Date.now() };
  #hasWarnedOfPages = false;

  constructor(requests: Requests, config: RestConfig, request: ExtractRequest<RestRead>, sink: ExtractSink) {
    const dataset = request.datasets[0]!;
    this.#requests = requests;
    this.#request = request;
    this.#sink = sink;
    this.#dataset = dataset;
    this.#read = resolveRead(dataset.read, config);
    const { incremental } = this.#read;
    const given = request.full ? undefined : request.position;
    const known = positionOf(given, this.#read);
    if (given && !known && incremental)
      request.warn(`The watermark of ${dataset.name} is another one now: it is read from the beginning.`);
    this.#watermark = known?.watermark ?? undefined;
    this.#fingerprint = fingerprintOf(dataset, given);
    this.#resumed = request.progress as unknown as RestProgress | undefined;
    if (this.#resumed && this.#resumed.fingerprint !== this.#fingerprint)
      throw stale(`The dataset ${dataset.name} is read differently now.`);
    const { startedAt, records, declared, highest, serverAt, begun, objects, members } = this.#resumed ?? {};
    this.#startedAt = startedAt ?? request.now();
    this.#records = records ?? 0;
    this.#declared = declared === undefined ? 0 : declared;
    this.#highest = highest ?? undefined;
    this.#serverAt = serverAt ?? null;
    this.#complete = !incremental || (request.full && incremental.initial === undefined);
    this.#landing = new Landing({
      sink,
      dataset: dataset.name,
      format: this.#read.format,
      complete: this.#complete,
      divides: incremental !== undefined && !this.#complete,
      begun: begun ?? false,
      objects: objects ?? 0,
      members: members ?? 0,
    });
  }

  async run(): Promise<Extracted> {
    const signal = anySignal(this.#request.signal, this.#abort.signal)!;
    try {
      const parents = await parentsOf(this.#read, this.#requests, signal);
      this.#listsHash = hashOf(parents);
      if (this.#resumed && this.#resumed.lists !== this.#listsHash)
        throw stale(
          `The records of ${this.#read.parents?.endpoint.path} that ${this.#dataset.name} is read for have changed.`,
        );
      this.#lists = parents.flatMap((parent) => listsOf(this.#read, this.#watermark, this.#startedAt, parent));
      for (let i = this.#resumed?.list ?? 0; i < this.#lists.length; i++) await this.#readList(i, signal);
    } finally {
      this.#abort.abort();
      const opened = [...this.#opened.values()];
      await Promise.all(opened.map((o) => o.pages.return(undefined).catch(() => undefined)));
    }
    return await this.#finish();
  }

  /** Until nothing moved from under the reader while it was read. */
  async #readList(index: number, signal: AbortSignal): Promise<void> {
    const resumed = this.#resumed?.list === index ? this.#resumed.current : null;
    let state: ListProgress = resumed ?? { place: FIRST, anchor: [], pages: 0, records: 0, pass: 1, firstTotal: null };
    const keys = new DistinctKeys(this.#read.key);
    if (resumed) keys.lose();
    for (;;) {
      const total = await this.#readPass(index, state, keys, signal);
      const { firstTotal } = state;
      const shrank = total !== undefined && firstTotal !== null && total < firstTotal;
      const isShort = total !== undefined && keys.count !== undefined && keys.count < total;
      if (!shrank && !isShort) {
        this.#declare(state, total);
        return;
      }
      if (isShort && this.#read.endpoint.pagination.type === 'none')
        throw new GranaryError(
          'connector.protocol',
          `${this.#read.endpoint.path} tells of ${total} records, and its one answer has ${keys.count}.`,
          { hint: 'Give the dataset a pagination, so that the other pages are read.' },
        );
      this.#unstable(
        state,
        shrank ? `${firstTotal} became ${total} records` : `${keys.count} of ${total} records came`,
      );
      if (state.pass >= MOST_PASSES) return;
      state = { ...state, place: FIRST, anchor: [], pass: state.pass + 1, firstTotal: null };
      this.#declared = null;
    }
  }

  /** Changes `state`. The total as the last page has it. */
  async #readPass(
    index: number,
    state: ListProgress,
    keys: DistinctKeys,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const list = this.#lists[index]!;
    if (state.pass === 1)
      for (let i = index; i < Math.min(this.#lists.length, index + this.#requests.atOnce); i++)
        this.#open(i, signal, i === index ? state : undefined);
    const opened = this.#opened.get(index) ?? this.#start(list, signal, state);
    this.#opened.delete(index);
    let total: number | undefined;
    try {
      for (let got = await opened.first; !got.done; got = await opened.pages.next()) {
        const { page, next, request, anchor } = got.value;
        total = page.total ?? total;
        state.firstTotal ??= total ?? null;
        this.#serverAt ??= page.at;
        keys.add(page.records);
        this.#look(page);
        state.pages++;
        state.records += page.records.length;
        this.#records += page.records.length;
        if (page.records.length > 0 || (this.#read.format === 'csv' && page.body.length > 0))
          await this.#landing.page(list, state.pages, page, request);
        else if (!page.beyond) this.#lastEmpty = page;
        this.#request.progressed(this.#records, this.#lists.length === 1 ? total : undefined, 'rows');
        this.#warnOfPages(unreadPages(this.#read.endpoint, page, state.pages === 1 && !next));
        if (!next) break;
        state.place = next;
        state.anchor = anchor;
        await this.#checkpointSometimes(index, state, page.body.length);
      }
    } finally {
      await opened.pages.return(undefined).catch(() => undefined);
    }
    await this.#checkpointSometimes(index + 1, null, 0);
    return total;
  }

  #open(index: number, signal: AbortSignal, state: ListProgress | undefined): void {
    if (!this.#opened.has(index)) this.#opened.set(index, this.#start(this.#lists[index]!, signal, state));
  }

  #start(list: List, signal: AbortSignal, from: From = { place: FIRST, anchor: [] }): Opened {
    const { endpoint, format, key } = this.#read;
    const pages = pagesOf(
      { requests: this.#requests, endpoint, format, key, values: list.values, parameters: list.parameters, signal },
      from,
    );
    const first = pages.next();
    first.catch(() => undefined);
    return { pages, first };
  }

  /** The highest value of the watermark. */
  #look(page: Page): void {
    const { incremental } = this.#read;
    if (incremental && incremental.from !== 'now') {
      const path = parseKeyPath(incremental.from)!;
      for (const record of page.records)
        this.#highest = higherMark(
          this.#highest,
          parseMark(valueAt(record, path), incremental.format),
          incremental.format,
        );
    }
  }

  #warnOfPages(sign: string | undefined): void {
    if (sign === undefined || this.#hasWarnedOfPages) return;
    this.#hasWarnedOfPages = true;
    this.#request.warn(`${this.#dataset.name}: ${sign}`);
  }

  #declare(state: ListProgress, total: number | undefined): void {
    if (this.#declared === null) return;
    const isSame = total !== undefined && total === state.firstTotal && state.pass === 1;
    // With a key it is compared above, and records that came twice are no error.
    const isCounted = isSame && (this.#read.key.length === 0 || state.records === total);
    this.#declared = isCounted ? this.#declared + total : null;
  }

  /** Errors: `extract.stale` where what landed cannot be used, `connector.changed` where reading again does not help; both transient. */
  #unstable({ pass }: ListProgress, what: string): void {
    const { endpoint, key } = this.#read;
    const message = `${endpoint.path} changed while it was read: ${what}`;
    if (key.length === 0)
      throw stale(`${message}. It begins anew; with a key, only what is missing would be read again.`);
    if (pass < MOST_PASSES) return;
    if (this.#complete)
      throw new GranaryError('connector.changed', `${message}, and so it was ${MOST_PASSES} times.`, {
        transient: true,
        hint: 'Sort by something that does not change, such as the id, or page by cursor.',
      });
    this.#request.warn(
      `${message}, and so it was ${MOST_PASSES} times: records may be missing until they change again. Sort by something that does not change, or give a lookback.`,
    );
  }

  async #checkpointSometimes(list: number, current: ListProgress | null, bytes: number): Promise<void> {
    const since = this.#sinceCheckpoint;
    since.pages++;
    since.bytes += bytes;
    if (since.pages < CHECKPOINT_PAGES && since.bytes < CHECKPOINT_BYTES && Date.now() < since.at + CHECKPOINT_MS)
      return;
    await this.#landing.flush();
    const { begun, objects, members } = this.#landing;
    const progress: RestProgress = {
      fingerprint: this.#fingerprint,
      startedAt: this.#startedAt,
      lists: this.#listsHash,
      list,
      current,
      begun,
      objects,
      members,
      records: this.#records,
      declared: this.#declared,
      highest: this.#highest ?? null,
      serverAt: this.#serverAt,
    };
    await this.#sink.checkpoint(progress as unknown as Position);
    this.#sinceCheckpoint = { pages: 0, bytes: 0, at: Date.now() };
  }

  async #finish(): Promise<Extracted> {
    const { name } = this.#dataset;
    const { endpoint, enveloped } = this.#read;
    if (!this.#landing.begun && this.#complete) {
      const records = enveloped.length > 0 ? [PAGE, ...endpoint.records] : endpoint.records;
      await this.#landing.nothing(enveloped.length > 0 ? undefined : this.#lastEmpty, records, this.#request.now());
    }
    await this.#landing.end();
    const problem = this.#requests.problem();
    if (problem !== undefined) this.#request.warn(problem);
    const rows = this.#landing.begun && this.#landing.objects === 0 ? this.#declared : null;
    const position = { of: markOf(this.#read), watermark: this.#nextWatermark() ?? null };
    return { position, more: false, ...(rows !== null && { declared: { [name]: { rows } } }) };
  }

  /** When the reading began, not later than by the server's clock, whose times tell seconds only. */
  #startedByServer(): number {
    const isAhead = this.#serverAt !== null && this.#serverAt + CLOCK_MS < this.#startedAt;
    return isAhead ? this.#serverAt! - CLOCK_MS : this.#startedAt;
  }

  #nextWatermark(): Mark | undefined {
    const { incremental } = this.#read;
    if (!incremental) return undefined;
    const { format, from } = incremental;
    if (from === 'now') return isTime(format) ? String(this.#startedByServer()) : this.#watermark;
    let highest = this.#highest;
    const most = (this.#serverAt ?? this.#startedAt) + AHEAD_MS;
    // Of a day that is not over more records come; so it is with a time in the future.
    if (highest !== undefined && isTime(format) && Number(highest) > most) {
      this.#request.warn(
        `A record of ${this.#dataset.name} has ${from} ${formatMark(highest, 'iso')}, which lies ahead: the watermark is the time of the reading.`,
      );
      highest = String(this.#serverAt ?? this.#startedAt);
    }
    return higherMark(this.#watermark, highest, format);
  }
}

const stale = (message: string): GranaryError => new GranaryError('extract.stale', message, { transient: true });

/** Passes over a document: to rows, to the values that come late, to raw text, or only to see whether it is well-formed. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { fileWriteError } from '../lib/row-writer.ts';
import type { XmlConfig } from './config.ts';
import { XmlError } from './errors.ts';
import { XmlParser } from './parser.ts';
import { Automaton, planXml, type XmlPlan } from './plan.ts';
import type { GatherOptions, OuterValue, OuterValues, RecordSink } from './record-sink.ts';
import { Gathered } from './records.ts';
import { textOf } from './text.ts';

export interface Document {
  path: string;
  config: XmlConfig;
  signal?: AbortSignal;
}

/** Parses the whole document, a piece at a time. Errors: XmlError, LateValue, GranaryError. */
export async function* parsePieces(
  { path, config, signal }: Document,
  plan: XmlPlan,
  sink: RecordSink,
  known: GatherOptions['known'] = new Map(),
): AsyncGenerator<Gathered> {
  const gathered = new Gathered(plan, sink, { trim: config.trim, separator: config.separator, known });
  const parser = new XmlParser(new Automaton(plan), gathered);
  try {
    for await (const chunk of textOf(path, config, signal)) {
      parser.push(chunk);
      yield gathered;
    }
    parser.finish();
  } finally {
    sink.end?.(gathered);
  }
}

/** The same in one go. */
export async function parseAll(...document: Parameters<typeof parsePieces>): Promise<void> {
  for await (const _ of parsePieces(...document));
}

/** What is wrong with a document, and how many records are complete before that. */
export async function findFault(document: Document): Promise<{ error: XmlError; complete: number } | undefined> {
  let complete = 0;
  const count = () => void complete++;
  try {
    await parseAll(document, planXml(document.config, []), { record: count, tooLong: count });
    return undefined;
  } catch (error) {
    if (error instanceof XmlError) return { error, complete };
    throw error;
  }
}

/** Raw text of records by `keyOf` (line or ordinal), for ascending keys. */
export async function* rawRecords(
  { path, config, signal }: Document,
  keyOf: (gathered: Gathered) => number,
  keys: number[],
  printable: (bytes: Uint8Array) => string,
): AsyncGenerator<{ line: number; raw: string | undefined }> {
  const found: { line: number; raw: string | undefined }[] = [];
  let next = 0;
  const take = (gathered: Gathered, bytes: Uint8Array) => {
    const key = keyOf(gathered);
    for (; next < keys.length && keys[next]! <= key; next++)
      found.push({ line: keys[next]!, raw: keys[next] === key ? printable(bytes) : undefined });
  };
  const plan = planXml(config, []);
  const sink: RecordSink = {
    record: (gathered, bytes, start, end) => take(gathered, bytes.subarray(start, end)),
    tooLong: (gathered, head) => take(gathered, head),
  };
  const parser = new XmlParser(
    new Automaton(plan),
    new Gathered(plan, sink, { trim: true, separator: '', known: new Map() }),
  );
  try {
    for await (const chunk of textOf(path, config, signal)) {
      parser.push(chunk);
      yield* found.splice(0);
      if (next === keys.length) return;
    }
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    yield* found.splice(0);
  }
  for (; next < keys.length; next++) yield { line: keys[next]!, raw: undefined };
}

/** Columns that may come behind the records of their element, by the element's level. */
function lateColumns(plan: XmlPlan): Map<number, number[]> {
  const own = plan.chain.length - 1;
  const all = plan.columns
    .map((_, c) => c)
    .filter((c) => {
      const { level, steps } = plan.columns[c]!.path;
      return level < own && steps.length > 0;
    });
  return Map.groupBy(all, (c) => plan.columns[c]!.path.level);
}

/**
 * Reads a document for the values around its records alone, into files in `folder`; returns where a second pass gets them from, element
 * by element. `close` it after that.
 */
export async function collectLate(
  document: Document,
  plan: XmlPlan,
  folder: string,
): Promise<{ known: Map<number, () => OuterValues>; close(): void; error: unknown }> {
  const files = new Map(
    [...lateColumns(plan)].map(([level, columns]) => [level, new ValueFile(`${folder}/level-${level}`, columns)]),
  );
  let error: unknown;
  const open = new Set<number>();
  try {
    await parseAll(document, plan, {
      record() {},
      tooLong() {},
      opened: (level) => void open.add(level),
      closed: (gathered, level) => {
        open.delete(level);
        files.get(level)?.write((c) => gathered.outerValue(c), gathered.repeatedOn(level));
      },
    });
  } catch (e) {
    // The second pass finds it again, behind the records that are complete before it.
    error = e;
    for (const level of open) files.get(level)?.write(() => undefined, undefined);
  }
  const known = new Map<number, () => OuterValues>();
  for (const [level, file] of files) known.set(level, () => file.read(plan.columns.length));
  return {
    known,
    error,
    close() {
      for (const file of files.values()) file.close();
    },
  };
}

const BUFFER_BYTES = 2 ** 16;
const MISSING = -1;

/** Values of elements in their order, first written, then read: for each the column that is repeated, and the length and bytes of each value. */
class ValueFile {
  readonly #fd: number;
  readonly #path: string;
  readonly #columns: number[];
  #buffer = Buffer.alloc(0);
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #at = 0;

  constructor(path: string, columns: number[]) {
    this.#path = path;
    this.#columns = columns;
    this.#fd = openSync(path, 'wx+');
  }

  write(find: (column: number) => OuterValue, repeated: number | undefined): void {
    this.#put(int(repeated ?? MISSING));
    for (const c of this.#columns) {
      const value = find(c);
      this.#put(int(value?.length ?? MISSING));
      if (value) this.#put(Buffer.from(value));
    }
    if (this.#pendingBytes > BUFFER_BYTES) this.#flush();
  }

  read(columns: number): OuterValues {
    this.#flush();
    const repeated = this.#take(4).readInt32LE();
    const values = new Array<OuterValue>(columns).fill(undefined);
    for (const c of this.#columns) {
      const length = this.#take(4).readInt32LE();
      if (length !== MISSING) values[c] = Uint8Array.from(this.#take(length));
    }
    return { values, repeated: repeated === MISSING ? undefined : repeated };
  }

  close(): void {
    closeSync(this.#fd);
  }

  #put(bytes: Buffer): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  #flush(): void {
    if (this.#pendingBytes === 0) return;
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
    } catch (e) {
      throw fileWriteError(e, this.#path);
    }
  }

  #take(length: number): Buffer {
    if (this.#buffer.length < length) {
      const more = Buffer.allocUnsafe(Math.max(length, BUFFER_BYTES));
      const read = readSync(this.#fd, more, 0, more.length, this.#at);
      this.#at += read;
      this.#buffer = Buffer.concat([this.#buffer, more.subarray(0, read)]);
      if (this.#buffer.length < length) throw new RangeError('fewer values than elements: the document has changed');
    }
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }
}

function int(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32LE(value);
  return bytes;
}

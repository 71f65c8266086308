/** Records of JSON into rows: one for each record, or one for each element of the array that `records` names. */
import { GranaryError } from '../../lib/errors.ts';
import type { CsvFile, RowWriter } from '../lib/row-writer.ts';
import { formatPath, type PathStep, parsePath, startsWithPath } from './paths.ts';
import {
  ABSENT,
  ARRAY,
  addPath,
  ESCAPED_STRING,
  NULL,
  OBJECT,
  PLAIN_STRING,
  type SpanNode,
  spanNode,
} from './span-node.ts';
import { SpanParser } from './spans.ts';

/** Arrays within arrays make levels: 0 is the document, 1 an element of the first array on the way to the records, and so on. */
export interface FlattenPlan {
  levels: Level[];
  slots: number;
  /** By column: the slot of its value and the level that the value is on. */
  columns: { slot: number; level: number }[];
}

interface Level {
  root: SpanNode;
  /** Slot of the array whose elements are the next level; -1 on the last. */
  array: number;
}

/**
 * Plans how to find `sources` in documents whose rows are at `records` (none: the document itself).
 * Throws `config.invalid` for what is no path, or leads into an array that `records` does not go through.
 */
export function planFlatten(sources: readonly string[], records: readonly PathStep[]): FlattenPlan {
  const arrays = prefixesToArrays(records);
  let slots = 0;
  const levels: Level[] = [undefined, ...arrays].map(() => ({ root: spanNode(), array: -1 }));
  const slotByPath = new Map<string, number>();
  const want = (level: number, keys: string[], path: string): number => {
    let slot = slotByPath.get(path);
    if (slot === undefined) {
      slot = slots++;
      slotByPath.set(path, slot);
      addPath(levels[level]!.root, keys, slot);
    }
    return slot;
  };
  arrays.forEach((prefix, level) => {
    const from = level === 0 ? 0 : arrays[level - 1]!.length;
    levels[level]!.array = want(level, keysOf(prefix.slice(from, -1)), `array ${level}`);
  });
  const columns = sources.map((source) => {
    const path = parsePath(source);
    if (!path)
      throw badPath(source, 'is not a path', 'Write keys with dots between them, such as `customer.address.city`.');
    const level = arrays.findLastIndex((prefix) => startsWithPath(path, prefix)) + 1;
    const rest = path.slice(level === 0 ? 0 : arrays[level - 1]!.length);
    if (rest.includes('each')) {
      throw badPath(
        source,
        'is within an array',
        `Name the array in the format's \`records\` to get a row for each element, or take the array as a whole as \`json\`.`,
      );
    }
    return { slot: want(level, keysOf(rest), formatPath(path)), level };
  });
  return { levels, slots, columns };
}

/** Every beginning of `records` that ends at an array. */
function prefixesToArrays(records: readonly PathStep[]): PathStep[][] {
  return records.flatMap((step, i) => (step === 'each' ? [records.slice(0, i + 1)] : []));
}

const keysOf = (steps: readonly PathStep[]) => steps.flatMap((s) => (s === 'each' ? [] : [s.key]));

function badPath(source: string, problem: string, hint: string): GranaryError {
  return new GranaryError('config.invalid', `"${source}" ${problem}.`, { hint });
}

/** Writes the rows of documents that are given one after the other. */
export class Flattener {
  readonly #plan: FlattenPlan;
  readonly #out: RowWriter;
  readonly #parser: SpanParser;
  /** Values of levels that came in another text, by column. */
  readonly #constants: (Constant | undefined)[];

  constructor(plan: FlattenPlan, out: RowWriter) {
    this.#plan = plan;
    this.#out = out;
    this.#parser = new SpanParser(plan.slots);
    this.#constants = plan.columns.map(() => undefined);
  }

  /**
   * Writes the rows of the value that is `bytes[start, end)`, which is on `level`. Throws JsonSyntaxError, before any row is
   * written, when it is not JSON.
   */
  write(bytes: Uint8Array, start: number, end: number, line: number, level = 0): void {
    this.#parser.parse(this.#plan.levels[level]!.root, bytes, start, end);
    this.#rows(bytes, line, level);
  }

  /** Takes the columns of level 0 from a text of their own, for all rows to come. */
  setOuter(bytes: Uint8Array): void {
    this.#parser.parse(this.#plan.levels[0]!.root, bytes, 0, bytes.length);
    this.#plan.columns.forEach(({ slot, level }, i) => {
      if (level === 0) {
        const { kinds, starts, ends } = this.#parser;
        this.#constants[i] = { bytes, kind: kinds[slot]!, start: starts[slot]!, end: ends[slot]! };
      }
    });
  }

  #rows(bytes: Uint8Array, line: number, level: number): void {
    const { array } = this.#plan.levels[level]!;
    if (array < 0) {
      this.#row(bytes, line);
      return;
    }
    const kind = this.#parser.kinds[array]!;
    if (kind === ABSENT || kind === NULL) return;
    const start = this.#parser.starts[array]!;
    const end = this.#parser.ends[array]!;
    // What stands alone where others have an array is taken for an array of one, as converters from XML write it.
    if (kind !== ARRAY)
      this.write(
        bytes,
        kind === PLAIN_STRING ? start - 1 : start,
        kind === PLAIN_STRING ? end + 1 : end,
        line,
        level + 1,
      );
    else for (const e of this.#parser.elements(bytes, start, end)) this.write(bytes, e.start, e.end, line, level + 1);
  }

  #row(bytes: Uint8Array, line: number): void {
    const { kinds, starts, ends } = this.#parser;
    const { columns } = this.#plan;
    const { rows } = this.#out;
    for (let i = 0; i < columns.length; i++) {
      const constant = this.#constants[i];
      if (constant) writeCell(rows, constant.bytes, constant.kind, constant.start, constant.end);
      else {
        const { slot } = columns[i]!;
        writeCell(rows, bytes, kinds[slot]!, starts[slot]!, ends[slot]!);
      }
    }
    this.#out.endRow(line);
  }
}

interface Constant {
  bytes: Uint8Array;
  kind: number;
  start: number;
  end: number;
}

/**
 * Strings as what they mean (half a surrogate pair, which no text can hold, as U+FFFD), numbers and truth values as they stand, objects
 * and arrays as their JSON text.
 */
function writeCell(out: CsvFile, bytes: Uint8Array, kind: number, start: number, end: number): void {
  if (kind === ABSENT || kind === NULL) out.missing();
  else if (kind === ESCAPED_STRING)
    out.text(JSON.parse(Buffer.from(bytes.subarray(start, end)).toString('utf8')) as string);
  else if (kind === OBJECT || kind === ARRAY) out.bytes(bytes, start, end);
  else out.plain(bytes, start, end);
}

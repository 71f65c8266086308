/**
 * Cuts one JSON document, whatever its size, into the elements of one of its arrays, as its bytes stream by. It sees brackets, strings
 * and the keys on the way to the array; whether an element is valid JSON is for the parser of elements to say.
 */
import { GranaryError } from '../../lib/errors.ts';
import { formatBytes } from '../../lib/units.ts';
import { MAX_RECORD_BYTES, TOO_LONG_KEPT_BYTES } from '../lib/lines.ts';

export interface Element {
  /** Its text, with white space around it; its first bytes when it is too long. Valid during the call only. */
  bytes: Buffer;
  tooLong: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const isSpace = (b: number) => b === 0x20 || b === 0x0a || b === 0x0d || b === 0x09;

/** Bytes gathered over chunks, up to a limit. */
class Gathered {
  bytes = 0;
  #parts: Buffer[] = [];
  #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get full(): boolean {
    return this.bytes > this.#limit;
  }

  add(part: Buffer): void {
    this.bytes += part.length;
    if (!this.full) this.#parts.push(Buffer.from(part));
    else if (this.#parts.length > 1) this.#parts = [Buffer.concat(this.#parts).subarray(0, TOO_LONG_KEPT_BYTES)];
  }

  take(): Buffer {
    const all = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.bytes = 0;
    return all;
  }
}

/**
 * Where the elements are:
 * - a document that is an array: its elements, whatever `path` says;
 * - one that is an object: the array at `path`, a list of keys; without a path the whole object is the one element.
 * Everything else of the document is its envelope. Throws `format.invalid` when brackets do not match, the document ends too early, more
 * follows behind it, or there is no array at `path`.
 */
export class DocumentSplitter {
  /** Set once the first byte that is not blank was seen. */
  root: 'array' | 'object' | undefined;
  /** Set by `finish`: the document with an empty array in place of the one that was cut. */
  envelope: Buffer | undefined;
  readonly #path: readonly string[] | undefined;
  readonly #onElement: (element: Element) => void;
  /** Closing brackets of what is open. */
  readonly #open: number[] = [];
  #position = 0;
  #inString = false;
  #escape = false;
  #ended = false;
  /** Keys of the path that lead to where the cursor is. */
  #matched = 0;
  #expectKey = false;
  #key: Gathered | undefined;
  #lastKey: string | undefined;
  /** Depth of the array that is cut, while within it. */
  #within: number | undefined;
  #found = false;
  #elements = 0;
  #element = new Gathered(MAX_RECORD_BYTES);
  #envelope = new Gathered(MAX_RECORD_BYTES);

  constructor(path: readonly string[] | undefined, onElement: (element: Element) => void) {
    this.#path = path;
    this.#onElement = onElement;
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let from = 0;
    for (let at = 0; at < bytes.length; at++) {
      if (this.#inString) {
        at = this.#string(bytes, at);
        continue;
      }
      const b = bytes[at]!;
      if (isSpace(b)) continue;
      this.#begin(b, at);
      if (b === QUOTE) this.#openString();
      else if (b === OPEN_BRACE || b === OPEN_BRACKET) {
        if (this.#descend(b)) from = this.#cut(bytes, from, at + 1, this.#envelope);
      } else if (b === CLOSE_BRACE || b === CLOSE_BRACKET) {
        if (this.#within === this.#open.length) from = this.#endElement(bytes, from, at, true);
        this.#ascend(b, at);
      } else if (b === COMMA) {
        if (this.#within === this.#open.length) from = this.#endElement(bytes, from, at, false) + 1;
        this.#expectKey = true;
      } else if (b !== COLON) this.#lastKey = undefined;
    }
    this.#cut(bytes, from, bytes.length, this.#within === undefined ? this.#envelope : this.#element);
    this.#position += bytes.length;
  }

  /** To be called at the end of the document. */
  finish(): void {
    if (this.root === undefined) throw new GranaryError('format.empty', 'There is no JSON document in the file.');
    if (!this.#ended)
      throw this.#invalid(
        'the document ends before all its brackets are closed',
        'Fetch the file again; if it stays like this, ask the sender for a complete one.',
      );
    if (this.root === 'object' && this.#path === undefined) {
      const tooLong = this.#envelope.full;
      this.#onElement({ bytes: this.#envelope.take(), tooLong });
      return;
    }
    if (this.root === 'object' && !this.#found)
      throw this.#invalid(`there is no array at "${this.#path!.join('.')}"`, 'Check `records` of the format.');
    if (this.#envelope.full)
      throw this.#invalid(
        `more than ${formatBytes(MAX_RECORD_BYTES)} of it are outside of the records`,
        'Check `records` of the format.',
      );
    this.envelope = this.#envelope.take();
  }

  /** The envelope as far as it was seen, closed; undefined when it cannot be closed here. */
  envelopeSoFar(): Buffer | undefined {
    if (this.#within === undefined || this.#envelope.full) return undefined;
    const closing = this.#open.toReversed().slice(this.#open.length - this.#within);
    return Buffer.concat([this.#envelope.take(), Buffer.from(closing)]);
  }

  /** Checks that `b` may stand at the root of the document, if that is where it stands. */
  #begin(b: number, at: number): void {
    if (this.#ended) {
      throw this.#invalid(
        `more follows at byte ${this.#position + at + 1} behind the end of the document`,
        'If the file has one document on each line, its format is `ndjson`.',
      );
    }
    if (this.root !== undefined) return;
    if (b !== OPEN_BRACE && b !== OPEN_BRACKET)
      throw this.#invalid('it begins with neither { nor [', 'Check that it is JSON.');
    this.root = b === OPEN_BRACKET ? 'array' : 'object';
  }

  /** Enters an object or array; true when it is the array to cut. */
  #descend(b: number): boolean {
    const key = this.#lastKey;
    const depth = this.#open.length;
    this.#lastKey = undefined;
    this.#open.push(b === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET);
    this.#expectKey = b === OPEN_BRACE;
    if (this.#within !== undefined) return false;
    const path = this.#path ?? [];
    const isNext = depth > 0 && depth === this.#matched + 1 && key !== undefined && key === path[this.#matched];
    const isLast = this.#matched + 1 === path.length;
    if (isNext && !isLast && b === OPEN_BRACE) this.#matched++;
    const isArray = b === OPEN_BRACKET && (this.root === 'array' ? depth === 0 : isNext && isLast);
    if (!isArray) return false;
    if (this.#found)
      throw this.#invalid(`"${path.join('.')}" occurs twice`, 'Ask the sender for a file in which it is one array.');
    this.#found = true;
    this.#within = this.#open.length;
    return true;
  }

  #ascend(b: number, at: number): void {
    if (this.#open.pop() !== b)
      throw this.#invalid(`the bracket at byte ${this.#position + at + 1} closes what is not open`);
    this.#matched = Math.min(this.#matched, Math.max(0, this.#open.length - 1));
    this.#lastKey = undefined;
    this.#ended = this.#open.length === 0;
  }

  /** An element ends before `at`, by a comma or with its array; nothing between the brackets of an array is no element. */
  #endElement(bytes: Buffer, from: number, at: number, isLast: boolean): number {
    const here = bytes.subarray(from, at);
    const isWhole = this.#element.bytes === 0;
    if (!isWhole) this.#element.add(here);
    const tooLong = this.#element.full;
    const element = isWhole ? here : this.#element.take();
    if (!isLast || this.#elements > 0 || !element.every(isSpace)) this.#onElement({ bytes: element, tooLong });
    this.#elements++;
    if (isLast) this.#within = undefined;
    return at;
  }

  #cut(bytes: Buffer, from: number, to: number, into: Gathered): number {
    if (to > from) into.add(bytes.subarray(from, to));
    return to;
  }

  #openString(): void {
    this.#inString = true;
    const isWanted = this.#expectKey && this.#within === undefined && this.#open.length === this.#matched + 1;
    this.#key = isWanted ? new Gathered(MAX_RECORD_BYTES) : undefined;
    this.#expectKey = false;
    this.#lastKey = undefined;
  }

  /** Passes over the string that the cursor is in; returns the offset of its last byte here. */
  #string(bytes: Buffer, start: number): number {
    let at = start;
    for (; at < bytes.length; at++) {
      const b = bytes[at]!;
      if (this.#escape) this.#escape = false;
      else if (b === BACKSLASH) this.#escape = true;
      else if (b === QUOTE) {
        this.#inString = false;
        break;
      }
    }
    if (this.#key) {
      this.#key.add(bytes.subarray(start, at));
      if (!this.#inString) this.#lastKey = keyText(this.#key.take());
    }
    return at;
  }

  #invalid(problem: string, hint?: string): GranaryError {
    return new GranaryError('format.invalid', `It is not a JSON document that can be read: ${problem}.`, { hint });
  }
}

function keyText(bytes: Buffer): string | undefined {
  try {
    return JSON.parse(`"${bytes.toString('utf8')}"`) as string;
  } catch {
    return undefined;
  }
}

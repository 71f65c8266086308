/**
 * A strict JSON (RFC 8259) parser that builds nothing: it checks the text and notes where the values of some paths stand in it, so
 * that they can be copied byte for byte. No number is converted, so none loses a digit.
 */
import {
  ABSENT,
  ARRAY,
  ESCAPED_STRING,
  NULL,
  OBJECT,
  PLAIN_STRING,
  SCALAR,
  type SpanChild,
  type SpanNode,
} from './span-node.ts';

/** Thrown for text that is not JSON. */
export class JsonSyntaxError extends Error {
  /** Offset of the problem from the start of what was parsed. */
  readonly offset: number;

  constructor(problem: string, offset: number) {
    super(problem);
    this.offset = offset;
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const NO_CHILDREN: SpanChild[] = [];
const WORDS = ['true', 'false', 'null'].map((w) => Buffer.from(w));

export class SpanParser {
  /** By slot: what was found, and where in the bytes. Of a key that occurs twice the last value stands, as in JavaScript. */
  readonly kinds: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  #bytes: Uint8Array = new Uint8Array();
  #from = 0;
  #at = 0;
  #end = 0;
  #escaped = false;

  constructor(slots: number) {
    this.kinds = new Uint8Array(slots);
    this.starts = new Int32Array(slots);
    this.ends = new Int32Array(slots);
  }

  /** Parses one value that fills `bytes[start, end)` but for white space. Slots below `root` that it does not reach become ABSENT. */
  parse(root: SpanNode, bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#from = this.#at = start;
    this.#end = end;
    this.#value(root);
    this.#blanks();
    if (this.#at < end) this.#fail('more text after the end of the value');
  }

  /** Spans of the elements of an array that was parsed before, and so is known to be valid. */
  *elements(bytes: Uint8Array, start: number, end: number): Generator<{ start: number; end: number }> {
    this.#bytes = bytes;
    this.#end = end;
    this.#at = start + 1;
    for (;;) {
      this.#blanks();
      if (bytes[this.#at] === CLOSE_BRACKET) return;
      if (bytes[this.#at] === COMMA) this.#at++;
      this.#blanks();
      const from = this.#at;
      this.#skip();
      const next = this.#at;
      yield { start: from, end: next };
      // The caller may have parsed the element with this parser.
      this.#bytes = bytes;
      this.#end = end;
      this.#at = next;
    }
  }

  #value(node: SpanNode): void {
    for (const slot of node.below) this.kinds[slot] = ABSENT;
    this.#blanks();
    const start = this.#at;
    const first = this.#bytes[start];
    if (first === OPEN_BRACE && node.children.length > 0) this.#object(node.children);
    else this.#skip();
    if (node.slot >= 0) this.#note(node.slot, first!, start);
  }

  #note(slot: number, first: number, start: number): void {
    let kind = SCALAR;
    let from = start;
    let to = this.#at;
    if (first === QUOTE) {
      kind = this.#escaped ? ESCAPED_STRING : PLAIN_STRING;
      if (!this.#escaped) {
        from++;
        to--;
      }
    } else if (first === OPEN_BRACE) kind = OBJECT;
    else if (first === OPEN_BRACKET) kind = ARRAY;
    else if (first === 0x6e) kind = NULL;
    this.kinds[slot] = kind;
    this.starts[slot] = from;
    this.ends[slot] = to;
  }

  /** An object some of whose values are wanted. Depth is bounded by that of the paths. */
  #object(children: SpanChild[]): void {
    this.#at++;
    this.#blanks();
    if (this.#bytes[this.#at] === CLOSE_BRACE) {
      this.#at++;
      return;
    }
    // Records tend to have their keys in the same order: the next child is tried first.
    for (let guess = 0; ; ) {
      const found = this.#key(children, guess);
      if (found >= 0) {
        guess = found + 1;
        this.#value(children[found]!.node);
      } else {
        this.#blanks();
        this.#skip();
      }
      this.#blanks();
      const b = this.#at < this.#end ? this.#bytes[this.#at] : -1;
      if (b !== COMMA && b !== CLOSE_BRACE) this.#fail('expected , or }');
      this.#at++;
      if (b === CLOSE_BRACE) return;
      this.#blanks();
    }
  }

  /** Reads a key and its colon; the index of the child of that name, or -1. */
  #key(children: SpanChild[], guess: number): number {
    const start = this.#at;
    if (this.#at >= this.#end || this.#bytes[start] !== QUOTE) this.#fail('expected a key in quotes');
    this.#string();
    const end = this.#at;
    const escaped = this.#escaped;
    this.#colon();
    if (escaped) {
      const key = JSON.parse(Buffer.from(this.#bytes.subarray(start, end)).toString('utf8')) as string;
      return children.findIndex((c) => c.key === key);
    }
    for (let i = 0; i < children.length; i++) {
      const index = (guess + i) % children.length;
      if (this.#equals(children[index]!.bytes, start + 1, end - 1)) return index;
    }
    return -1;
  }

  #colon(): void {
    this.#blanks();
    if (this.#at >= this.#end || this.#bytes[this.#at] !== COLON) this.#fail('expected :');
    this.#at++;
  }

  /** Any value, checked and passed over. */
  #skip(): void {
    const first = this.#at < this.#end ? this.#bytes[this.#at]! : -1;
    if (first === QUOTE) this.#string();
    else if (first === OPEN_BRACE || first === OPEN_BRACKET) this.#skipNested();
    else this.#scalar(first);
  }

  /** An object or array; without recursion, so that depth does not matter. */
  #skipNested(): void {
    const open: number[] = [];
    for (;;) {
      this.#blanks();
      const first = this.#at < this.#end ? this.#bytes[this.#at]! : -1;
      if (first === OPEN_BRACE || first === OPEN_BRACKET) {
        const close = first === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET;
        this.#at++;
        this.#blanks();
        if (this.#at >= this.#end || this.#bytes[this.#at] !== close) {
          open.push(close);
          if (close === CLOSE_BRACE) this.#key(NO_CHILDREN, 0);
          continue;
        }
        this.#at++;
      } else this.#skip();
      if (!this.#afterValue(open)) return;
    }
  }

  /** After a value within `open`: closes what ends here. True when another value follows. */
  #afterValue(open: number[]): boolean {
    while (open.length > 0) {
      this.#blanks();
      const b = this.#at < this.#end ? this.#bytes[this.#at]! : -1;
      const close = open.at(-1)!;
      if (b === COMMA) {
        this.#at++;
        this.#blanks();
        if (close === CLOSE_BRACE) this.#key(NO_CHILDREN, 0);
        return true;
      }
      if (b !== close) this.#fail(`expected , or ${String.fromCharCode(close)}`);
      this.#at++;
      open.pop();
    }
    return false;
  }

  #scalar(first: number): void {
    if (first === 0x2d || (first >= 0x30 && first <= 0x39)) this.#number();
    else {
      const word = WORDS.find((w) => w[0] === first);
      if (!word || !this.#equals(word, this.#at, Math.min(this.#at + word.length, this.#end))) {
        this.#fail(first < 0 ? 'the text ends where a value is expected' : 'expected a value');
      }
      this.#at += word.length;
    }
  }

  #number(): void {
    if (this.#bytes[this.#at] === 0x2d) this.#at++;
    if (this.#bytes[this.#at] === 0x30 && this.#at < this.#end) this.#at++;
    else this.#digits();
    if (this.#at < this.#end && this.#bytes[this.#at] === 0x2e) {
      this.#at++;
      this.#digits();
    }
    if (this.#at < this.#end && (this.#bytes[this.#at]! | 0x20) === 0x65) {
      this.#at++;
      const sign = this.#bytes[this.#at];
      if (sign === 0x2b || sign === 0x2d) this.#at++;
      this.#digits();
    }
  }

  #digits(): void {
    const start = this.#at;
    while (this.#at < this.#end && this.#bytes[this.#at]! >= 0x30 && this.#bytes[this.#at]! <= 0x39) this.#at++;
    if (this.#at === start) this.#fail('expected a digit');
  }

  /** From the opening quote to behind the closing one. Sets `#escaped`. */
  #string(): void {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at + 1;
    this.#escaped = false;
    for (; at < end; at++) {
      const b = bytes[at]!;
      if (b === QUOTE) {
        this.#at = at + 1;
        return;
      }
      if (b === BACKSLASH) {
        this.#at = at;
        at = this.#escape() - 1;
      } else if (b < 0x20) {
        this.#at = at;
        this.#fail('a control character within a string');
      }
    }
    this.#at = end;
    this.#fail('the text ends within a string');
  }

  /** Checks the escape at the cursor; returns the offset behind it. */
  #escape(): number {
    this.#escaped = true;
    const kind = String.fromCharCode(this.#bytes[this.#at + 1] ?? 0);
    if (kind !== 'u') {
      if (!'"\\/bfnrt'.includes(kind)) this.#fail('an unknown escape within a string');
      return this.#at + 2;
    }
    const digits = Buffer.from(this.#bytes.subarray(this.#at + 2, Math.min(this.#at + 6, this.#end))).toString(
      'latin1',
    );
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.#fail('an unknown escape within a string');
    return this.#at + 6;
  }

  #blanks(): void {
    while (this.#at < this.#end) {
      const b = this.#bytes[this.#at]!;
      if (b !== 0x20 && b !== 0x0a && b !== 0x0d && b !== 0x09) return;
      this.#at++;
    }
  }

  #equals(expected: Uint8Array, start: number, end: number): boolean {
    if (end - start !== expected.length) return false;
    for (let i = 0; i < expected.length; i++) if (this.#bytes[start + i] !== expected[i]) return false;
    return true;
  }

  #fail(problem: string): never {
    throw new JsonSyntaxError(problem, this.#at - this.#from);
  }
}

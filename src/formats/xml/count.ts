/**
 * Counts the elements at given paths as the bytes of a document stream by: the independent side of the books. It knows tags and depth
 * only, shares nothing with the parser, and goes on where a document is not well-formed.
 */
import { GranaryError } from '../../lib/errors.ts';
import type { NameTest } from './paths.ts';
import { CHILD, MORE, MOST_PARENTS, NO_PARENT, TagInput } from './tag-input.ts';

export interface CountedPath {
  /** Tests of all elements from the root on. */
  chain: readonly NameTest[];
  namespaces: Readonly<Record<string, string>>;
}

/** An element that leads to counted ones, as far as they are concerned. */
interface Frame {
  /** By path: how many tests its ancestors and it match, if all of them do. */
  matched: (number | undefined)[];
  /** Paths that end here. */
  ends: number[];
  bindings: Map<string, string>;
  /** By name, or by the whole tag where it declares namespaces. Undefined for elements that lead nowhere. */
  children: Map<string, Frame | undefined>;
  /** Its number for the input, which then knows some of its children by itself; -1 when it has none. */
  id: number;
  /** Those children, in their order there. */
  known: (Frame | undefined)[];
  /** Elements in it may be counted. */
  leads: boolean;
}

const MOST_CHILDREN = 10_000;
const LONGEST_TAG = 64 * 2 ** 20;
const LT = 60;
const GT = 62;
const QUESTION = 63;
const SLASH = 47;
const HYPHEN = 45;
const BRACKET = 91;
const DOUBLE = 34;
const SINGLE = 39;

export class TagCounter {
  /** Elements that are open: 0 at the end of a whole document. */
  depth = 0;
  /** Whether there was any. */
  elements = 0;
  readonly #paths: readonly CountedPath[];
  /** Elements by path, but for those that the input has counted. */
  readonly #counts: number[];
  /** By `id`. */
  readonly #byId: Frame[] = [];
  /** Names say all, for no path asks for a namespace. */
  readonly #isPlain: boolean;
  readonly #onElement: ((path: number, line: number) => void) | undefined;
  /** The open elements that lead to counted ones: the outermost first, all others are below. */
  readonly #frames: Frame[];
  readonly #input = new TagInput();
  /** Bytes of the input that are from the last chunk. */
  #kept = 0;
  /** What ends the markup that is passed over. */
  #until: string | undefined;
  #line = 1;

  /** `onElement` is told of every counted element with its physical line; without it lines are not counted. */
  constructor(paths: readonly CountedPath[], onElement?: (path: number, line: number) => void) {
    this.#paths = paths;
    this.#onElement = onElement;
    this.#counts = paths.map(() => 0);
    this.#isPlain = paths.every(({ chain }) => chain.every((t) => t.prefix === undefined));
    const outermost = frame({ matched: paths.map(() => 0), leads: true });
    this.#number(outermost);
    this.#frames = [outermost];
    this.#input.setParent(0, outermost.id);
  }

  /** Elements by path. */
  get counts(): number[] {
    const counts = [...this.#counts];
    for (const { id, known } of this.#byId)
      known.forEach((child, nth) => {
        for (const path of child?.ends ?? []) counts[path]! += this.#input.hits(id, nth);
      });
    return counts;
  }

  push(chunk: Uint8Array): void {
    const input = this.#input;
    const size = this.#kept + chunk.length;
    input.reserve(size);
    input.bytes.set(chunk, this.#kept);
    const consumed = this.#scan(input.bytes.subarray(0, size));
    this.#kept = size - consumed;
    if (this.#kept > LONGEST_TAG)
      throw new GranaryError('format.line_too_long', 'A tag of the document is longer than any that means something.', {
        hint: 'Check that the file is complete and no quote or tag is left open.',
      });
    input.bytes.copyWithin(0, consumed, size);
  }

  /** Returns how much of it is done with. */
  #scan(text: Buffer): number {
    const size = text.length;
    let at = 0;
    let linesTo = 0;
    const passLines = (to: number) => {
      if (!this.#onElement) return;
      for (; linesTo < to; linesTo++) if (text[linesTo] === 10) this.#line++;
    };
    for (;;) {
      if (this.#until !== undefined) {
        const found = text.indexOf(this.#until, at, 'latin1');
        if (found < 0) {
          at = Math.max(at, size - this.#until.length + 1);
          break;
        }
        at = found + this.#until.length;
        this.#until = undefined;
      }
      const stop = this.#input.pass(at, size, this.depth, this.#frames.length - 1);
      at = this.#input.at;
      this.depth = this.#input.depth;
      this.#followInput();
      if (stop === MORE) break;
      if (stop === CHILD) {
        const close = tagEnd(text, at);
        if (close < 0) {
          at--;
          break;
        }
        passLines(at);
        this.#enter(text, at, close);
        at = close + 1;
      } else if (text[at + 1] === QUESTION) {
        this.#until = '?>';
        at += 2;
      } else {
        const behind = this.#declaration(text, at);
        if (behind < 0) break;
        at = behind;
      }
    }
    passLines(at);
    return at;
  }

  #declaration(text: Buffer, at: number): number {
    if (text.length < at + 9) return -1;
    if (text[at + 2] === HYPHEN && text[at + 3] === HYPHEN) {
      this.#until = '-->';
      return at + 4;
    }
    if (text[at + 2] === BRACKET) {
      this.#until = ']]>';
      return at + 9;
    }
    // A document type: quotes, comments and what is in brackets may hold any sign.
    for (let i = at + 2, brackets = 0; i < text.length; i++) {
      const b = text[i];
      if (b === DOUBLE || b === SINGLE) {
        i = text.indexOf(b, i + 1);
        if (i < 0) return -1;
      } else if (b === LT && text.toString('latin1', i, i + 4) === '<!--') {
        i = text.indexOf('-->', i + 4, 'latin1');
        if (i < 0) return -1;
        i += 2;
      } else if (b === LT && text[i + 1] === QUESTION) {
        i = text.indexOf('?', i + 2, 'latin1');
        if (i < 0) return -1;
      } else if (b === BRACKET) brackets++;
      else if (b === BRACKET + 2) brackets--;
      else if (b === GT && brackets <= 0) return i + 1;
    }
    return -1;
  }

  /** The input has left frames, and entered some that it knows. */
  #followInput(): void {
    const { within } = this.#input;
    this.#frames.length = Math.min(this.#frames.length, within + 1);
    for (let depth = 1; depth <= within; depth++) {
      const id = this.#input.parentAt(depth);
      if (id >= 0) this.#frames[depth] = this.#byId[id]!;
    }
  }

  /** A child of the last frame. */
  #enter(text: Buffer, from: number, close: number): void {
    this.elements++;
    const isEmpty = text[close - 1] === SLASH;
    const frame = this.#child(this.#frames.at(-1)!, text, from, isEmpty ? close - 1 : close);
    if (frame) {
      for (const path of frame.ends) {
        this.#counts[path]!++;
        this.#onElement?.(path, this.#line);
      }
      if (!isEmpty && frame.leads) this.#input.setParent(this.#frames.push(frame) - 1, frame.id);
    }
    if (!isEmpty) this.depth++;
  }

  #child(parent: Frame, text: Buffer, from: number, to: number): Frame | undefined {
    let end = from;
    while (end < to && text[end]! > 32 && text[end] !== SLASH) end++;
    const declares = !this.#isPlain && declaresNamespace(text, end, to);
    const key = text.toString('latin1', from, declares ? to : end);
    if (parent.children.has(key)) return parent.children.get(key);
    const made = this.#makeFrame(
      parent,
      text.toString('utf8', from, end),
      declares ? text.toString('utf8', end, to) : '',
    );
    // The input cannot tell lines, nor what a declaration means.
    if (this.#isPlain && !this.#onElement) {
      if (made?.leads) this.#number(made);
      const isKnown =
        (!made?.leads || made.id >= 0) &&
        this.#input.know(parent.id, parent.known.length, text.subarray(from, end), made?.leads ? made.id : NO_PARENT);
      if (isKnown) parent.known.push(made);
    }
    if (parent.children.size === MOST_CHILDREN) parent.children.clear();
    parent.children.set(key, made);
    return made;
  }

  #number(frame: Frame): void {
    if (this.#byId.length < MOST_PARENTS) frame.id = this.#byId.push(frame) - 1;
  }

  #makeFrame(parent: Frame, name: string, attributes: string): Frame | undefined {
    const bindings = new Map(parent.bindings);
    for (const [, attribute = '', , uri = ''] of attributes.matchAll(/([^\s=]+)\s*=\s*(["'])([\s\S]*?)\2/g)) {
      if (attribute === 'xmlns') bindings.set('', withReferences(uri).trim());
      else if (attribute.startsWith('xmlns:')) bindings.set(attribute.slice(6), withReferences(uri).trim());
    }
    const [local, prefix = ''] = name.split(':', 2).reverse() as [string, string?];
    const uri = bindings.get(prefix) ?? '';
    const matched = this.#paths.map(({ chain, namespaces }, p) => {
      const done = parent.matched[p];
      const test = done === undefined ? undefined : chain[done];
      if (!test || (test.local !== '*' && test.local !== local)) return undefined;
      return test.prefix === undefined || namespaces[test.prefix] === uri ? done! + 1 : undefined;
    });
    if (matched.every((m) => m === undefined)) return undefined;
    const ends = matched.flatMap((m, p) => (m === this.#paths[p]!.chain.length ? [p] : []));
    const leads = matched.some((m, p) => m !== undefined && m < this.#paths[p]!.chain.length);
    return frame({ matched, ends, bindings, leads });
  }
}

function frame(of: Pick<Frame, 'matched' | 'leads'> & Partial<Frame>): Frame {
  return { ends: [], bindings: new Map(), children: new Map(), id: NO_PARENT, known: [], ...of };
}

/** Does `xmlns` occur? */
function declaresNamespace(text: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i + 5 <= to; i++)
    if (text[i] === 120 && text[i + 1] === 109 && text[i + 2] === 108 && text[i + 3] === 110 && text[i + 4] === 115)
      return true;
  return false;
}

/** The `>` of a tag; -1 when it is not there yet. */
function tagEnd(text: Buffer, from: number): number {
  for (let i = from; i < text.length; i++) {
    const b = text[i];
    if (b === GT) return i;
    if (b === DOUBLE || b === SINGLE) {
      i++;
      while (i < text.length && text[i] !== b) i++;
    }
  }
  return -1;
}

const SIGNS: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function withReferences(text: string): string {
  return text.replaceAll(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex, decimal, name) => {
    if (name !== undefined) return SIGNS[name as string] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex as string, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

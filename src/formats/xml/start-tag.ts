/** Reads start tags: the name, and where the attributes are. */
import { ATTRIBUTE_STOPS } from './characters.ts';
import type { Markup } from './markup.ts';
import { grown, HASH_SEED, hashStep, NAME_BYTES, type NameTable } from './names.ts';
import { XSI } from './namespace-uris.ts';
import type { Scope } from './namespaces.ts';
import type { Automaton } from './plan.ts';
import { ATTRIBUTE, decodeValue, PLAIN } from './values.ts';
import type { Window } from './window.ts';

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const AMPERSAND = 0x26;
const APOSTROPHE = 0x27;
const SLASH = 0x2f;
const LESS = 0x3c;
const EQUALS = 0x3d;
const GREATER = 0x3e;

const isSpace = (b: number) => b === SPACE || b === LF || b === TAB || b === CR;

export interface SpecialAttributes {
  /** The value of `xml:space`. */
  space: string | undefined;
  /** `xsi:nil` is true. */
  nil: boolean;
}

export class StartTag {
  name = 0;
  /** `<name/>` */
  isEmpty = false;
  /** Attributes: name, place of the value in the window, kind of the value. */
  count = 0;
  names = new Int32Array(16);
  starts = new Int32Array(16);
  ends = new Int32Array(16);
  kinds = new Uint8Array(16);
  /** Some attribute has a prefix, or is `xmlns`. */
  hasSpecial = false;
  /** Some attribute declares a namespace. */
  declares = false;
  readonly #window: Window;
  readonly #table: NameTable;
  readonly #markup: Markup;
  /** By name: the last tag that had such an attribute. */
  #seen = new Int32Array(256);
  #serial = 0;

  constructor(window: Window, table: NameTable, markup: Markup) {
    this.#window = window;
    this.#table = table;
    this.#markup = markup;
  }

  /** Reads the tag that begins at `tag`; returns the place behind it, or -1 when it is not complete. */
  read(tag: number): number {
    const { bytes: b, end } = this.#window;
    this.count = 0;
    this.isEmpty = false;
    this.hasSpecial = false;
    this.declares = false;
    let i = tag + 1;
    let hash = HASH_SEED;
    let c = b[i]!;
    for (; NAME_BYTES[c] === 1; c = b[++i]!) hash = hashStep(hash, c);
    if (i === end) return this.#incomplete(tag);
    if (i === tag + 1) throw this.#window.error('"<" begins no tag; as a sign it is written "&lt;"', tag);
    this.name = this.#table.find(b, tag + 1, i, hash, this.#window.base + tag + 1);
    if (c === GREATER) return i + 1;
    this.#serial++;
    for (;;) {
      const before = i;
      while (isSpace(c)) c = b[++i]!;
      if (c === GREATER) return i + 1;
      if (c === SLASH) {
        if (i + 1 >= end) return this.#incomplete(tag);
        if (b[i + 1] !== GREATER) throw this.#window.error('"/" within a tag', i);
        this.isEmpty = true;
        return i + 2;
      }
      if (i === end) return this.#incomplete(tag);
      if (NAME_BYTES[c] === 0) throw this.#window.illegal(i);
      if (i === before) throw this.#window.error('attributes need white space between them', i);
      i = this.#attribute(i);
      if (i < 0) return this.#incomplete(tag);
      c = b[i]!;
    }
  }

  #incomplete(tag: number): number {
    this.#window.limitToken(tag);
    return -1;
  }

  /** Behind the attribute at `from`; -1 when it is not complete. */
  #attribute(from: number): number {
    const { bytes: b, end } = this.#window;
    let i = from;
    let hash = HASH_SEED;
    let c = b[i]!;
    for (; NAME_BYTES[c] === 1; c = b[++i]!) hash = hashStep(hash, c);
    const nameEnd = i;
    while (isSpace(c)) c = b[++i]!;
    if (i === end) return -1;
    const name = this.#table.find(b, from, nameEnd, hash, this.#window.base + from);
    if (c !== EQUALS) throw this.#window.error(`the attribute "${this.#table.text(name)}" has no value`, from);
    c = b[++i]!;
    while (isSpace(c)) c = b[++i]!;
    if (i === end) return -1;
    if (c !== QUOTE && c !== APOSTROPHE)
      throw this.#window.error(`the value of "${this.#table.text(name)}" is not in quotes`, i);
    const quote = c;
    const start = ++i;
    let kind = PLAIN;
    for (;;) {
      while (ATTRIBUTE_STOPS[b[i]!] === 0) i++;
      c = b[i]!;
      if (c === quote) break;
      if (i === end) return -1;
      if (c === AMPERSAND) {
        kind = ATTRIBUTE;
        i = this.#markup.reference(i);
        if (i < 0) return -1;
      } else if (isSpace(c)) {
        kind = ATTRIBUTE;
        i++;
      } else if (c === QUOTE || c === APOSTROPHE) i++;
      else if (c === LESS) throw this.#window.error('"<" within the value of an attribute; it is written "&lt;"', i);
      else throw this.#window.illegal(i);
    }
    this.#add(name, start, i, kind, from);
    return i + 1;
  }

  #add(name: number, start: number, end: number, kind: number, at: number): void {
    if (name >= this.#seen.length) this.#seen = grown(this.#seen, Math.max(2 * name, 256));
    if (this.#seen[name] === this.#serial)
      throw this.#window.error(`the attribute "${this.#table.text(name)}" occurs twice`, at);
    this.#seen[name] = this.#serial;
    const n = this.count++;
    if (n === this.names.length) {
      this.names = grown(this.names, 2 * n);
      this.starts = grown(this.starts, 2 * n);
      this.ends = grown(this.ends, 2 * n);
      this.kinds = grown(this.kinds, 2 * n);
    }
    this.names[n] = name;
    this.starts[n] = start;
    this.ends[n] = end;
    this.kinds[n] = kind;
    if (this.#table.special[name] === 1) {
      this.hasSpecial = true;
      const { prefix, local } = this.#table.get(name);
      this.declares ||= prefix === 'xmlns' || (prefix === '' && local === 'xmlns');
    }
  }

  #value(a: number): string {
    return Buffer.from(decodeValue(this.#window.bytes, this.starts[a]!, this.ends[a]!, this.kinds[a]!)).toString(
      'utf8',
    );
  }

  /** Prefixes (empty for the default) and the namespaces that the tag declares for them. */
  declarations(): [prefix: string, uri: string][] {
    return Array.from({ length: this.count }, (_, a) => a).flatMap((a): [string, string][] => {
      const { prefix, local } = this.#table.get(this.names[a]!);
      if (prefix === 'xmlns') return [[local, this.#value(a).trim()]];
      return prefix === '' && local === 'xmlns' ? [['', this.#value(a).trim()]] : [];
    });
  }

  /** Checks the attributes that have prefixes, and returns what those say that are known everywhere. Errors: XmlError. */
  special(scope: Scope, automaton: Automaton): SpecialAttributes {
    const out: SpecialAttributes = { space: undefined, nil: false };
    const seen = new Set<string>();
    for (let a = 0; a < this.count; a++) {
      const name = this.names[a]!;
      if (this.#table.special[name] === 0) continue;
      const at = this.starts[a]!;
      const { uri } = scope.attribute(name, this.#table, automaton, this.#window.base + at);
      const { prefix, local } = this.#table.get(name);
      if (seen.has(`${uri} ${local}`)) throw this.#window.error(`the attribute "${local}" occurs twice`, at);
      seen.add(`${uri} ${local}`);
      if (prefix === 'xml' && local === 'space') out.space = this.#value(a);
      if (uri === XSI && local === 'nil') out.nil = ['true', '1'].includes(this.#value(a).trim());
    }
    return out;
  }
}

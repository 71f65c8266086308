/**
 * Parses a document as its bytes stream by, checks that it is well-formed (XML 1.0 with namespaces), and tells a Gathered which
 * elements and values the automaton recognises. Bytes are UTF-8 and are looked at in place; memory is bounded by the longest record.
 */
import { MAX_RECORD_BYTES } from '../lib/lines.ts';
import { TEXT_STOPS } from './characters.ts';
import { XmlError } from './errors.ts';
import { Markup } from './markup.ts';
import { grown, NameTable } from './names.ts';
import { Scope } from './namespaces.ts';
import { ATTRIBUTES, type Automaton, LEVEL, TEXT } from './plan.ts';
import type { Gathered } from './records.ts';
import { StartTag } from './start-tag.ts';
import { CONTENT, KEEP, NIL, PLAIN } from './values.ts';
import { Window } from './window.ts';

/** Deeper than any document that means something; what is open is kept in memory. */
export const MOST_LEVELS = 10_000;

const LF = 0x0a;
const BANG = 0x21;
const AMPERSAND = 0x26;
const SLASH = 0x2f;
const LESS = 0x3c;
const GREATER = 0x3e;
const QUESTION = 0x3f;
const BRACKET = 0x5d;

export class XmlParser {
  readonly #automaton: Automaton;
  readonly #gathered: Gathered;
  readonly #window = new Window();
  readonly #names = new NameTable();
  readonly #markup = new Markup(this.#window);
  readonly #tag = new StartTag(this.#window, this.#names, this.#markup);
  /** By depth, from 1: state, name, where the content begins in the window, whether white space is kept. */
  #states = new Int32Array(64);
  #open = new Int32Array(64);
  #contents = new Int32Array(64);
  #keep = new Uint8Array(64);
  #depth = 0;
  /** Nothing but text came since the last start tag. */
  #leaf = false;
  #scope = Scope.outermost();
  /** Depths at which the scope changed; the last one first looked at. */
  readonly #scopeDepths: number[] = [0];
  /** The element that `xsi:nil` says is missing. */
  #nilDepth = 0;
  /** The element around records whose text is wanted. */
  #pinDepth = 0;
  #rootSeen = false;
  /** Newlines are counted up to here. */
  #counted = 0;
  #line = 1;

  constructor(automaton: Automaton, gathered: Gathered) {
    this.#automaton = automaton;
    this.#gathered = gathered;
    this.#states[0] = automaton.outside;
  }

  /** Errors: XmlError; LateValue; GranaryError `format.line_too_long`. Records before the error were handed on. */
  push(chunk: Uint8Array): void {
    const window = this.#window;
    const moved = window.append(chunk, this.#keepFrom());
    if (moved > 0) this.#shift(moved);
    this.#parse();
    this.#giveUpWhatIsTooLong();
    window.throwFault();
  }

  /** After the last byte. Errors: as `push`. */
  finish(): void {
    const window = this.#window;
    window.finish();
    const at = window.base + window.end;
    if (this.#markup.name !== undefined) throw new XmlError(`the document ends within ${this.#markup.name}`, at);
    if (this.#depth > 0)
      throw new XmlError(`the document ends before </${this.#names.text(this.#open[this.#depth]!)}>`, at);
    if (window.position < window.end) throw new XmlError('the document ends within a tag or a reference', at);
    if (!this.#rootSeen) throw new XmlError('there is no root element', at);
  }

  #parse(): void {
    const { bytes: b, end } = this.#window;
    let { flags } = this.#automaton;
    let states = this.#states;
    let open = this.#open;
    const names = this.#names;
    let { pool, starts } = names;
    let depth = this.#depth;
    let i = this.#window.position;
    let leaf = this.#leaf;
    let inMarkup = this.#markup.name !== undefined;
    for (;;) {
      if (inMarkup) {
        i = this.#markup.pass(i);
        inMarkup = this.#markup.name !== undefined;
        if (inMarkup) break;
      }
      if (depth === 0) {
        i = this.#markup.aroundRoot(i, this.#rootSeen);
        if (i === end) break;
      }
      while (TEXT_STOPS[b[i]!] === 0) i++;
      if (b[i] !== LESS) {
        if (i === end) break;
        const next = this.#sign(i);
        if (next < 0) break;
        leaf &&= b[i] === BRACKET;
        i = next;
        continue;
      }
      const tag = i;
      const c = b[tag + 1]!;
      if (c === SLASH) {
        if (depth === 0) throw this.#window.error('an end tag without a start tag', tag);
        let p = starts[open[depth]!]!;
        const q = starts[open[depth]! + 1]!;
        i = tag + 2;
        while (p < q && pool[p] === b[i]) {
          p++;
          i++;
        }
        if (p === q && b[i] === GREATER) i++;
        else {
          i = this.#endTag(tag, open[depth]!);
          if (i < 0) {
            i = tag;
            break;
          }
        }
        if (flags[states[depth]!] !== 0) this.#close(depth, tag, i, leaf);
        if (depth === this.#scopeDepths.at(-1)) this.#leaveScope();
        depth--;
        leaf = false;
        continue;
      }
      if (c === BANG || c === QUESTION) {
        leaf = false;
        const next = this.#markup.begin(tag, depth, this.#rootSeen);
        if (next < 0) break;
        i = next;
        inMarkup = this.#markup.name !== undefined;
        continue;
      }
      const next = this.#tag.read(tag);
      if (next < 0) break;
      if (depth === 0 && this.#rootSeen) throw this.#window.error('a second root element', tag);
      this.#rootSeen = true;
      if (depth === MOST_LEVELS) throw this.#window.error(`elements are nested more than ${MOST_LEVELS} deep`, tag);
      depth++;
      if (depth === states.length) {
        this.#deepen();
        states = this.#states;
        open = this.#open;
      }
      this.#start(depth, tag, next);
      ({ pool, starts } = names);
      flags = this.#automaton.flags;
      i = next;
      leaf = true;
      if (!this.#tag.isEmpty) continue;
      if (flags[states[depth]!] !== 0) this.#close(depth, i, i, true);
      if (depth === this.#scopeDepths.at(-1)) this.#leaveScope();
      depth--;
      leaf = false;
    }
    this.#window.position = i;
    this.#depth = depth;
    this.#leaf = leaf;
  }

  /** A reference or a bracket in text: behind it, or -1 when it is not complete. */
  #sign(i: number): number {
    const { bytes: b, end } = this.#window;
    if (b[i] === AMPERSAND) return this.#markup.reference(i);
    if (b[i] !== BRACKET) throw this.#window.illegal(i);
    if (i + 2 >= end) return -1;
    if (b[i + 1] === BRACKET && b[i + 2] === GREATER) throw this.#window.error('"]]>" stands within text', i);
    return i + 1;
  }

  /** An end tag that is not just `</name>`: behind it, or -1 when it is not complete. */
  #endTag(tag: number, name: number): number {
    const { bytes: b, end } = this.#window;
    const close = b.indexOf(GREATER, tag);
    if (close < 0 || close >= end) {
      this.#window.limitToken(tag);
      return -1;
    }
    const text = b.toString('utf8', tag + 2, close);
    const expected = this.#names.text(name);
    if (text.replace(/[ \t\r\n]+$/, '') === expected) return close + 1;
    const found = /^[^\s<>/]*/.exec(text)![0];
    throw this.#window.error(
      found === expected
        ? `the end tag of <${expected}> does not end`
        : `</${found.slice(0, 60)}> where </${expected}> is expected`,
      tag,
    );
  }

  #start(depth: number, tag: number, content: number): void {
    const start = this.#tag;
    const automaton = this.#automaton;
    const base = this.#window.base;
    if (start.declares) {
      this.#scope = this.#scope.within(start.declarations(), base + tag);
      this.#scopeDepths.push(depth);
    }
    const scope = this.#scope;
    const { name } = start;
    let symbol = name < scope.symbols.length ? scope.symbols[name]! : -1;
    if (symbol < 0) symbol = scope.element(name, this.#names, automaton, base + tag + 1);
    const from = this.#states[depth - 1]!;
    let state = automaton.transitions[from * automaton.width + symbol]!;
    if (state < 0) state = automaton.next(from, symbol);
    this.#states[depth] = state;
    this.#open[depth] = name;
    this.#contents[depth] = content;
    this.#keep[depth] = this.#keep[depth - 1]!;
    const flags = automaton.flags[state]!;
    if (flags !== 0) this.#begin(flags, state, depth, tag);
    if (start.hasSpecial) this.#specialAttributes(depth);
    if ((flags & ATTRIBUTES) !== 0) this.#attributes(state);
  }

  /** Something that is looked for begins. */
  #begin(flags: number, state: number, depth: number, tag: number): void {
    const gathered = this.#gathered;
    if ((flags & LEVEL) !== 0) {
      const level = this.#automaton.level[state]!;
      if (level === gathered.own) this.#countTo(tag);
      gathered.open(level, tag, this.#line);
    }
    if ((flags & TEXT) !== 0 && this.#pinDepth === 0) {
      const isAround = this.#automaton.text(state).some((c) => gathered.levels[c] !== gathered.own);
      if (isAround) this.#pinDepth = depth;
    }
  }

  /** `xml:space` and `xsi:nil`; and prefixes must be declared, and no two names mean the same. */
  #specialAttributes(depth: number): void {
    const { space, nil } = this.#tag.special(this.#scope, this.#automaton);
    if (space !== undefined) this.#keep[depth] = space === 'preserve' ? KEEP : 0;
    if (nil) this.#nilDepth = depth;
  }

  #attributes(state: number): void {
    const tag = this.#tag;
    const { bytes } = this.#window;
    for (let a = 0; a < tag.count; a++) {
      const { symbol } = this.#scope.attribute(tag.names[a]!, this.#names, this.#automaton, 0);
      for (const column of this.#automaton.attributes(state, symbol))
        this.#gathered.value(column, bytes, tag.starts[a]!, tag.ends[a]!, tag.kinds[a]!);
    }
  }

  /** An element that means something ends: `tag` is where its end tag begins, `end` is behind that. */
  #close(depth: number, tag: number, end: number, leaf: boolean): void {
    const state = this.#states[depth]!;
    const automaton = this.#automaton;
    const { bytes } = this.#window;
    if ((automaton.flags[state]! & TEXT) !== 0) {
      const kind = this.#nilDepth === depth ? NIL : (leaf ? PLAIN : CONTENT) | this.#keep[depth]!;
      for (const column of automaton.text(state))
        this.#gathered.value(column, bytes, this.#contents[depth]!, tag, kind);
    }
    if (this.#nilDepth === depth) this.#nilDepth = 0;
    if (this.#pinDepth === depth) this.#pinDepth = 0;
    if ((automaton.flags[state]! & LEVEL) !== 0) this.#gathered.close(automaton.level[state]!, bytes, end);
  }

  #deepen(): void {
    const size = 4 * this.#states.length;
    this.#states = grown(this.#states, size);
    this.#open = grown(this.#open, size);
    this.#contents = grown(this.#contents, size);
    this.#keep = grown(this.#keep, size);
  }

  #leaveScope(): void {
    this.#scopeDepths.pop();
    this.#scope = this.#scope.parent!;
  }

  #countTo(position: number): void {
    const { bytes } = this.#window;
    let lines = 0;
    for (let i = this.#counted; i < position; i++) if (bytes[i] === LF) lines++;
    this.#line += lines;
    this.#counted = position;
  }

  /** What of the window is still needed. */
  #keepFrom(): number {
    let from = this.#window.position;
    if (this.#gathered.start >= 0) from = Math.min(from, this.#gathered.start);
    if (this.#pinDepth > 0) from = Math.min(from, this.#contents[this.#pinDepth]!);
    this.#countTo(Math.max(from, this.#counted));
    return from;
  }

  #shift(by: number): void {
    this.#counted -= by;
    this.#gathered.shift(by);
    for (let d = 1; d <= this.#depth; d++) this.#contents[d]! -= by;
  }

  #giveUpWhatIsTooLong(): void {
    const { bytes, end } = this.#window;
    this.#gathered.giveUp(bytes, end);
    if (this.#pinDepth > 0 && end - this.#contents[this.#pinDepth]! > MAX_RECORD_BYTES)
      throw this.#window.tooLong(`The text of <${this.#names.text(this.#open[this.#pinDepth]!)}>`);
  }
}

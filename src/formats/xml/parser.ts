/**
 * Parses a document as its bytes stream by, checks that it is well-formed (XML 1.0 with namespaces), and tells a Gathered which
 * elements and values the automaton recognises. Bytes are UTF-8 and are looked at in place; memory is bounded by the longest record.
 */
import { MAX_RECORD_BYTES } from '../lib/lines.ts';
import { TEXT_STOPS } from './characters.ts';
import { XmlError } from './errors.ts';
import { EventReader } from './events.ts';
import { Markup } from './markup.ts';
import { NameTable } from './names.ts';
import { Scope } from './namespaces.ts';
import { ATTRIBUTES, type Automaton, LEVEL, TEXT } from './plan.ts';
import type { ScannedRows } from './record-sink.ts';
import type { Gathered } from './records.ts';
import { Scanner } from './scanner.ts';
import { MOST_COLUMNS, MOST_LEVELS } from './scanner-memory.ts';
import { StartTag } from './start-tag.ts';
import { CONTENT, KEEP, NIL, PLAIN } from './values.ts';
import { Window } from './window.ts';

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
  readonly #rows: ScannedRows | undefined;
  readonly #scanner = new Scanner();
  readonly #window = new Window(this.#scanner);
  readonly #names = new NameTable();
  readonly #markup = new Markup(this.#window);
  readonly #tag = new StartTag(this.#window, this.#names, this.#markup);
  #depth = 0;
  /** Nothing but text came since the last start tag. */
  #leaf = false;
  #scope = Scope.outermost();
  /** Depths at which the scope changed; the last one first looked at. */
  readonly #scopeDepths: number[] = [0];
  /** The element that `xsi:nil` says is missing. */
  #nilDepth = 0;
  #rootSeen = false;
  readonly #events: EventReader;

  constructor(automaton: Automaton, gathered: Gathered) {
    this.#automaton = automaton;
    this.#gathered = gathered;
    this.#events = new EventReader(this.#scanner, gathered, automaton, this.#names);
    const { scanned, plan } = gathered;
    this.#rows = plan.columns.length <= MOST_COLUMNS ? scanned : undefined;
    const bind = () => {
      gathered.bind(this.#scanner, this.#rows !== undefined);
      if (this.#scanner.page) this.#rows?.bind(this.#scanner.page);
    };
    if (this.#rows) this.#scanner.writeRows(plan.columns.length, this.#rows.fields, gathered.trim);
    bind();
    this.#scanner.onGrowth = bind;
    this.#scanner.states[0] = automaton.outside;
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
      throw new XmlError(`the document ends before </${this.#names.text(this.#scanner.open[this.#depth]!)}>`, at);
    if (window.position < window.end) throw new XmlError('the document ends within a tag or a reference', at);
    if (!this.#rootSeen) throw new XmlError('there is no root element', at);
  }

  #parse(): void {
    const { bytes: b, end } = this.#window;
    const markup = this.#markup;
    let i = this.#window.position;
    for (;;) {
      if (markup.name !== undefined) {
        i = markup.pass(i);
        if (markup.name !== undefined) break;
      }
      if (this.#depth === 0) {
        i = markup.aroundRoot(i, this.#rootSeen);
        if (i === end) break;
      } else {
        i = this.#passUsual(i);
        if (this.#depth === 0) continue;
      }
      while (TEXT_STOPS[b[i]!] === 0) i++;
      const before = i;
      if (b[i] !== LESS) {
        if (i === end || this.#depth === 0) break;
        i = this.#sign(i);
        this.#leaf &&= b[before] === BRACKET;
      } else if (b[i + 1] === SLASH) {
        if (this.#depth === 0) throw this.#window.error('an end tag without a start tag', i);
        i = this.#endTag(i, this.#scanner.open[this.#depth]!);
        if (i >= 0) this.#end(before, i, this.#leaf);
      } else if (b[i + 1] === BANG || b[i + 1] === QUESTION) {
        this.#leaf = false;
        i = markup.begin(i, this.#depth, this.#rootSeen);
      } else {
        i = this.#tag.read(i);
        if (i >= 0) this.#start(before, i);
      }
      if (i < 0) {
        i = before;
        break;
      }
    }
    this.#window.position = i;
  }

  /** Lets the scanner pass what it can from `position` on; returns where it has stopped. */
  #passUsual(position: number): number {
    const scanner = this.#scanner;
    let i = position;
    let full = true;
    while (full) {
      scanner.sync(this.#names, this.#scope, this.#automaton);
      const special = Math.max(this.#nilDepth, this.#scopeDepths.at(-1)!);
      full = scanner.scan(i, this.#depth, this.#leaf, special, this.#gathered.own);
      i = scanner.position;
      this.#depth = scanner.depth;
      this.#leaf = scanner.leaf;
      if (scanner.takeIsPageFull()) this.#rows!.flush();
      this.#events.take(this.#window.bytes, this.#scope);
      if (!full && this.#rows && this.#gathered.needsPrefix) {
        this.#gathered.useOuter();
        scanner.allowRows(this.#rows.begin(this.#gathered));
        full = true;
      }
    }
    return i;
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

  /** Behind an end tag, or -1 when it is not complete. */
  #endTag(tag: number, name: number): number {
    const { bytes: b, end } = this.#window;
    const { pool, starts } = this.#names;
    let close = tag + 2;
    let p = starts[name]!;
    const nameEnd = starts[name + 1]!;
    while (p < nameEnd && pool[p] === b[close]) {
      p++;
      close++;
    }
    if (p === nameEnd && b[close] === GREATER) return close + 1;
    while (close < end && b[close] !== GREATER) close++;
    if (close >= end) {
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

  /** A start tag at `tag`, with its content behind it. */
  #start(tag: number, content: number): void {
    const { base } = this.#window;
    if (this.#depth === 0 && this.#rootSeen) throw this.#window.error('a second root element', tag);
    this.#rootSeen = true;
    if (this.#depth === MOST_LEVELS) throw this.#window.error(`elements are nested more than ${MOST_LEVELS} deep`, tag);
    const depth = ++this.#depth;
    const start = this.#tag;
    const automaton = this.#automaton;
    const { states, open, contents, keep } = this.#scanner;
    if (start.declares) {
      this.#scope = this.#scope.within(start.declarations(), base + tag);
      this.#scopeDepths.push(depth);
    }
    const symbol = this.#scope.element(start.name, this.#names, automaton, base + tag + 1);
    const state = automaton.next(states[depth - 1]!, symbol);
    states[depth] = state;
    open[depth] = start.name;
    contents[depth] = content;
    keep[depth] = keep[depth - 1]!;
    const flags = automaton.flags[state]!;
    if ((flags & LEVEL) !== 0) {
      const level = automaton.level[state]!;
      this.#gathered.open(level, tag, level === this.#gathered.own ? this.#scanner.lineAt(tag) : 0, false);
    }
    if (start.hasSpecial) this.#specialAttributes(depth);
    if ((flags & ATTRIBUTES) !== 0) this.#attributes(state);
    this.#leaf = true;
    if (start.isEmpty) this.#end(content, content, true);
  }

  /** `xml:space` and `xsi:nil`; and prefixes must be declared, and no two names mean the same. */
  #specialAttributes(depth: number): void {
    const { space, nil } = this.#tag.special(this.#scope, this.#automaton);
    if (space !== undefined) this.#scanner.keep[depth] = space === 'preserve' ? KEEP : 0;
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

  /** The innermost element ends: `tag` is where its end tag begins, `end` is behind that. */
  #end(tag: number, end: number, leaf: boolean): void {
    const depth = this.#depth;
    const { states, contents, keep } = this.#scanner;
    const state = states[depth]!;
    const automaton = this.#automaton;
    const { bytes } = this.#window;
    if ((automaton.flags[state]! & TEXT) !== 0) {
      const kind = this.#nilDepth === depth ? NIL : (leaf ? PLAIN : CONTENT) | keep[depth]!;
      for (const column of automaton.text(state)) this.#gathered.value(column, bytes, contents[depth]!, tag, kind);
    }
    if (this.#nilDepth === depth) this.#nilDepth = 0;
    if ((automaton.flags[state]! & LEVEL) !== 0) this.#closeLevel(automaton.level[state]!, end);
    if (depth === this.#scopeDepths.at(-1)) this.#leaveScope();
    this.#depth--;
    this.#leaf = false;
  }

  #closeLevel(level: number, end: number): void {
    const gathered = this.#gathered;
    gathered.close(level, this.#window.bytes, end);
    if (this.#rows && level === gathered.own) this.#scanner.allowRows(this.#rows.begin(gathered));
  }

  #leaveScope(): void {
    this.#scopeDepths.pop();
    this.#scope = this.#scope.parent!;
  }

  /** What of the window is still needed. */
  #keepFrom(): number {
    let from = this.#window.position;
    if (this.#gathered.start >= 0) from = Math.min(from, this.#gathered.start);
    const around = this.#textAround();
    if (around > 0) from = Math.min(from, this.#scanner.contents[around]!);
    this.#scanner.lineAt(from);
    return from;
  }

  /** Depth of the outermost open element around records whose text is wanted; 0 for none. */
  #textAround(): number {
    const { states } = this.#scanner;
    const { levels, own } = this.#gathered;
    for (let depth = 1; depth <= this.#depth; depth++) {
      const state = states[depth]!;
      const isText = (this.#automaton.flags[state]! & TEXT) !== 0;
      if (isText && this.#automaton.text(state).some((c) => levels[c] !== own)) return depth;
    }
    return 0;
  }

  #shift(by: number): void {
    this.#scanner.shiftLines(by);
    this.#gathered.shift(by);
    const { contents } = this.#scanner;
    for (let d = 1; d <= this.#depth; d++) contents[d]! -= by;
  }

  #giveUpWhatIsTooLong(): void {
    const { bytes, end } = this.#window;
    this.#gathered.giveUp(bytes, end);
    const around = this.#textAround();
    if (around > 0 && end - this.#scanner.contents[around]! > MAX_RECORD_BYTES)
      throw this.#window.tooLong(`The text of <${this.#names.text(this.#scanner.open[around]!)}>`);
  }
}

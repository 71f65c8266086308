/** What stands in a document besides elements and text: comments, CDATA sections, processing instructions, references, the prolog. */
import { CDATA_STOPS, COMMENT_STOPS, INSTRUCTION_STOPS } from './characters.ts';
import { isName, shown } from './names.ts';
import { declaredEntities, doctypeEnd, parseDeclaration } from './prolog.ts';
import { referenced } from './values.ts';
import type { Window } from './window.ts';

const MINUS = 0x2d;
const SEMICOLON = 0x3b;
const LESS = 0x3c;
const GREATER = 0x3e;
const QUESTION = 0x3f;
const BRACKET = 0x5d;

interface Kind {
  name: string;
  stops: Uint8Array;
  /** What ends it. */
  close: readonly number[];
}

const COMMENT: Kind = { name: 'a comment', stops: COMMENT_STOPS, close: [MINUS, MINUS, GREATER] };
const CDATA: Kind = { name: 'a CDATA section', stops: CDATA_STOPS, close: [BRACKET, BRACKET, GREATER] };
const INSTRUCTION: Kind = { name: 'a processing instruction', stops: INSTRUCTION_STOPS, close: [QUESTION, GREATER] };

const OPENINGS = ['<!--', '<![CDATA[', '<!DOCTYPE'];
/** No reference that XML defines is longer, leading zeros aside. */
const LONGEST_REFERENCE = 1000;
const ENTITY_HINT =
  'Entities that a document type declares, and external files, are never read. Ask the sender for the text itself.';

export class Markup {
  /** What is open and goes on in the next chunk. */
  #kind: Kind | undefined;
  #hasDoctype = false;
  #entities = new Set<string>();
  readonly #window: Window;

  constructor(window: Window) {
    this.#window = window;
  }

  get name(): string | undefined {
    return this.#kind?.name;
  }

  /** At `<!` or `<?`: behind what of it could be passed, or -1 when more is needed. */
  begin(tag: number, depth: number, rootSeen: boolean): number {
    const { bytes: b, end } = this.#window;
    if (b[tag + 1] === QUESTION) return this.#instruction(tag);
    const found = OPENINGS.find((o) => b.toString('latin1', tag, Math.min(tag + o.length, end)) === o);
    if (!found) {
      if (OPENINGS.some((o) => end - tag < o.length && b.toString('latin1', tag, end) === o.slice(0, end - tag)))
        return -1;
      throw this.#window.error('"<!" begins neither a comment nor a CDATA section', tag);
    }
    if (found === '<!--') this.#kind = COMMENT;
    else if (found === '<![CDATA[') {
      if (depth === 0) throw this.#window.error('text stands outside of the root element', tag);
      this.#kind = CDATA;
    } else return this.#doctype(tag, rootSeen);
    return tag + found.length;
  }

  /** Passes what is open: behind it, with `name` undefined then, or as far as can be said. */
  pass(from: number): number {
    const { bytes: b, end } = this.#window;
    const { stops, close } = this.#kind!;
    let i = from;
    for (;;) {
      while (stops[b[i]!] === 0) i++;
      if (i === end) return i;
      if (b[i] !== close[0]) throw this.#window.illegal(i);
      if (i + close.length > end) return i;
      if (close.every((c, k) => b[i + k] === c)) {
        this.#kind = undefined;
        return i + close.length;
      }
      if (this.#kind === COMMENT && b[i + 1] === MINUS) throw this.#window.error('"--" stands within a comment', i);
      i++;
    }
  }

  /** Outside of the root there is white space only: the place of the next `<`, or the end. */
  aroundRoot(from: number, rootSeen: boolean): number {
    const { bytes: b, end } = this.#window;
    let i = from;
    while (b[i] === 0x20 || b[i] === 0x0a || b[i] === 0x0d || b[i] === 0x09) i++;
    if (i === end || b[i] === LESS) return i;
    if (b[i]! < 0x20) throw this.#window.illegal(i);
    throw this.#window.error(
      rootSeen ? 'text stands behind the root element' : 'text stands before the root element',
      i,
    );
  }

  /** Behind the reference at `at`; -1 when it is not complete. */
  reference(at: number): number {
    const { bytes: b, end } = this.#window;
    const limit = Math.min(end, at + LONGEST_REFERENCE);
    let close = at + 1;
    while (close < limit && b[close] !== SEMICOLON && b[close]! > 0x20 && b[close] !== LESS) close++;
    if (close === end) return -1;
    const name = b.toString('utf8', at + 1, close);
    if (b[close] !== SEMICOLON)
      throw this.#window.error('"&" begins no reference; as a sign it is written "&amp;"', at);
    if (referenced(name) !== undefined) return close + 1;
    if (name.startsWith('#')) throw this.#window.error(`"&${shown(name)};" is not a character of XML`, at);
    if (!isName(name)) throw this.#window.error(`"&${shown(name)};" is not a reference`, at);
    throw this.#entities.has(name)
      ? this.#window.error(
          `the entity "${shown(name)}" is declared by the document type, and is not read`,
          at,
          ENTITY_HINT,
        )
      : this.#window.error(
          `the entity "${shown(name)}" is not defined`,
          at,
          this.#hasDoctype ? ENTITY_HINT : undefined,
        );
  }

  #instruction(tag: number): number {
    const { bytes: b, end } = this.#window;
    let i = tag + 2;
    while (i < end && b[i] !== QUESTION && b[i]! > 0x20) i++;
    if (i === end) {
      this.#window.limitToken(tag);
      return -1;
    }
    const target = b.toString('utf8', tag + 2, i);
    if (target === 'xml' && this.#window.base + tag === 0) return this.#declaration(tag);
    if (!isName(target) || target.includes(':'))
      throw this.#window.error(`a processing instruction with the name "${shown(target)}"`, tag);
    if (target.toLowerCase() === 'xml')
      throw this.#window.error('an XML declaration that is not at the very beginning', tag);
    this.#kind = INSTRUCTION;
    return i;
  }

  #declaration(tag: number): number {
    const { bytes: b, end } = this.#window;
    const close = b.indexOf('?>', tag + 2, 'latin1');
    if (close < 0 || close + 2 > end) {
      this.#window.limitToken(tag);
      return -1;
    }
    const declaration = parseDeclaration(b.toString('utf8', tag, close + 2));
    if (!declaration) throw this.#window.error('the XML declaration is wrong', tag);
    if (declaration.version === '1.1') this.#window.setXml11();
    return close + 2;
  }

  #doctype(tag: number, rootSeen: boolean): number {
    const { bytes: b, end, base } = this.#window;
    if (rootSeen) throw this.#window.error('a document type behind the start of the root element', tag);
    if (this.#hasDoctype) throw this.#window.error('a second document type', tag);
    const close = doctypeEnd(b, tag + '<!DOCTYPE'.length, end, base);
    if (close < 0) return -1;
    const text = b.toString('utf8', tag, close);
    const control = /[\x00-\x08\x0b\x0c\x0e-\x1f]/.exec(text);
    if (control) throw this.#window.illegal(tag + Buffer.byteLength(text.slice(0, control.index)));
    this.#hasDoctype = true;
    this.#entities = declaredEntities(text);
    return close;
  }
}

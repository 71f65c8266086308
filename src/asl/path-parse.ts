/**
 * Parsing of JSONPath as Step Functions accepts it. A path is parsed once and kept: the interpreter reads paths in every transition.
 * Grammar: `$` (input) or `$$` (context object), then `.name`, `['name']`, `[n]`, `[*]`, `.*`, `..name`, `[a:b:c]`, unions and `[?(…)]`.
 */
import type { Json } from './types.ts';

export type Segment =
  | { kind: 'name'; name: string }
  | { kind: 'index'; index: number }
  | { kind: 'names'; names: string[] }
  | { kind: 'indexes'; indexes: number[] }
  | { kind: 'slice'; from: number | undefined; to: number | undefined; step: number }
  | { kind: 'any' }
  | { kind: 'filter'; test: Filter }
  /** Every node below, itself included; the segment after it chooses among them. */
  | { kind: 'deep' };

export type Operand = { kind: 'literal'; value: Json } | { kind: 'path'; from: '@' | '$' | '$$'; path: ParsedPath };
export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type Filter =
  | { kind: 'and' | 'or'; left: Filter; right: Filter }
  | { kind: 'not'; of: Filter }
  | { kind: 'exists'; operand: Operand }
  | { kind: 'compare'; op: Comparison; left: Operand; right: Operand };

export interface ParsedPath {
  text: string;
  /** Reads the context object (`$$`), not the input. */
  context: boolean;
  segments: Segment[];
  /** Names and indexes only: it leads to one place. */
  definite: boolean;
  /** The keys of a path of names and indexes, for the quick way. */
  keys: (string | number)[] | undefined;
}

/** A path that cannot be parsed; `message` says what and where. */
export class PathSyntaxError extends Error {
  override readonly name = 'PathSyntaxError';
}

const cache = new Map<string, ParsedPath>();
const CACHE_LIMIT = 20_000;

/** Throws `PathSyntaxError`. Parsed paths are shared: do not change them. */
export function parsePath(text: string): ParsedPath {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const parser = new PathParser(text);
  const parsed = parser.whole();
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(text, parsed);
  return parsed;
}

/** Where the path that starts at `start` ends, when it stands within other text: at a comma, a blank or a bracket that is not its own. */
export function endOfPath(text: string, start: number): number {
  let depth = 0;
  let quote = '';
  for (let i = start; i < text.length; i++) {
    const c = text[i]!;
    if (quote) {
      if (c === '\\') i++;
      else if (c === quote) quote = '';
    } else if (depth > 0 && (c === "'" || c === '"')) quote = c;
    else if (c === '[') depth++;
    else if (c === ']') depth--;
    else if (depth === 0 && c === '\\') i++;
    else if (depth === 0 && /[\s,()=!<>&|]/.test(c)) return i;
  }
  return text.length;
}

class PathParser {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  whole(): ParsedPath {
    if (this.text[0] !== '$') throw this.fault('a path begins with $');
    this.at = 1;
    const context = this.text[1] === '$';
    if (context) this.at = 2;
    return this.finish(context, this.segments());
  }

  private finish(context: boolean, segments: Segment[]): ParsedPath {
    const plain = segments.every((s) => s.kind === 'name' || s.kind === 'index');
    const keys = plain ? segments.map((s) => (s.kind === 'name' ? s.name : (s as { index: number }).index)) : undefined;
    const last = segments.at(-1);
    const merges =
      segments.slice(0, -1).every((s) => s.kind === 'name' || s.kind === 'index') && last?.kind === 'names';
    return { text: this.text, context, segments, definite: plain || merges, keys };
  }

  private segments(): Segment[] {
    const out: Segment[] = [];
    while (this.at < this.text.length) {
      if (this.text.startsWith('..', this.at)) {
        this.at += 2;
        out.push({ kind: 'deep' });
        if (this.text[this.at] !== '[') out.push(this.dotted());
        else out.push(this.bracket());
      } else if (this.text[this.at] === '.') {
        this.at++;
        out.push(this.dotted());
      } else if (this.text[this.at] === '[') out.push(this.bracket());
      else throw this.fault(`'.' or '[' expected`);
    }
    return out;
  }

  private dotted(): Segment {
    if (this.text[this.at] === '*') {
      this.at++;
      return { kind: 'any' };
    }
    let name = '';
    for (; this.at < this.text.length; this.at++) {
      const c = this.text[this.at]!;
      if (c === '\\' && this.at + 1 < this.text.length) name += this.text[++this.at];
      else if (/[.[]/.test(c)) break;
      else if (/[\s,()'"\]*?@:=!<>&|]/.test(c)) throw this.fault(`'${c}' cannot stand in a name; write ['…']`);
      else name += c;
    }
    if (name === '') throw this.fault('a name is missing');
    return { kind: 'name', name };
  }

  private bracket(): Segment {
    this.at++;
    this.blanks();
    const c = this.text[this.at];
    let segment: Segment;
    if (c === '*') {
      this.at++;
      segment = { kind: 'any' };
    } else if (c === '?') segment = this.filterSegment();
    else if (c === "'" || c === '"') {
      const names = this.list(() => this.quoted());
      segment = names.length === 1 ? { kind: 'name', name: names[0]! } : { kind: 'names', names };
    } else segment = this.numbers();
    this.blanks();
    this.expect(']');
    return segment;
  }

  private numbers(): Segment {
    const first = this.integer();
    this.blanks();
    if (this.text[this.at] === ':') {
      this.at++;
      this.blanks();
      const to = this.integer();
      this.blanks();
      let step: number | undefined;
      if (this.text[this.at] === ':') {
        this.at++;
        step = this.integer();
      }
      if (step !== undefined && step < 1) throw this.fault('the step of a slice is positive');
      return { kind: 'slice', from: first, to, step: step ?? 1 };
    }
    if (first === undefined) throw this.fault(`a name in quotes, a number, * or ?( expected`);
    const indexes = [first];
    while (this.text[this.at] === ',') {
      this.at++;
      this.blanks();
      const next = this.integer();
      if (next === undefined) throw this.fault('a number expected');
      indexes.push(next);
      this.blanks();
    }
    return indexes.length === 1 ? { kind: 'index', index: first } : { kind: 'indexes', indexes };
  }

  private list(read: () => string): string[] {
    const out = [read()];
    for (;;) {
      this.blanks();
      if (this.text[this.at] !== ',') return out;
      this.at++;
      this.blanks();
      out.push(read());
    }
  }

  private integer(): number | undefined {
    const m = /^-?\d+/.exec(this.text.slice(this.at, this.at + 17));
    if (!m) return undefined;
    this.at += m[0].length;
    return Number(m[0]);
  }

  private quoted(): string {
    const quote = this.text[this.at];
    if (quote !== "'" && quote !== '"') throw this.fault('a quote expected');
    let out = '';
    for (this.at++; this.at < this.text.length; this.at++) {
      const c = this.text[this.at]!;
      if (c === quote) {
        this.at++;
        return out;
      }
      out += c === '\\' && this.at + 1 < this.text.length ? this.text[++this.at] : c;
    }
    throw this.fault('a quote is not closed');
  }

  private filterSegment(): Segment {
    this.at++;
    this.blanks();
    this.expect('(');
    const test = this.or();
    this.blanks();
    this.expect(')');
    return { kind: 'filter', test };
  }

  private or(): Filter {
    let left = this.and();
    while (this.take('||')) left = { kind: 'or', left, right: this.and() };
    return left;
  }

  private and(): Filter {
    let left = this.unary();
    while (this.take('&&')) left = { kind: 'and', left, right: this.unary() };
    return left;
  }

  private unary(): Filter {
    this.blanks();
    if (this.text[this.at] === '!' && this.text[this.at + 1] !== '=') {
      this.at++;
      return { kind: 'not', of: this.unary() };
    }
    if (this.take('(')) {
      const inner = this.or();
      this.blanks();
      this.expect(')');
      return inner;
    }
    const left = this.operand();
    for (const op of ['==', '!=', '<=', '>=', '<', '>'] as const)
      if (this.take(op)) return { kind: 'compare', op, left, right: this.operand() };
    if (left.kind === 'literal') throw this.fault('a comparison expected');
    return { kind: 'exists', operand: left };
  }

  private operand(): Operand {
    this.blanks();
    const c = this.text[this.at];
    if (c === '@' || c === '$') {
      const end = endOfPath(this.text, this.at);
      const text = this.text.slice(this.at, end);
      this.at = end;
      const path = parsePath(c === '@' ? `$${text.slice(1)}` : text);
      return { kind: 'path', from: c === '@' ? '@' : path.context ? '$$' : '$', path };
    }
    if (c === "'" || c === '"') return { kind: 'literal', value: this.quoted() };
    const m = /^(true|false|null|-?\d+(\.\d+)?([eE][+-]?\d+)?)(?![\w.])/.exec(this.text.slice(this.at));
    if (!m) throw this.fault('@, $, a string, a number, true, false or null expected');
    this.at += m[0].length;
    return { kind: 'literal', value: JSON.parse(m[1]!) as Json };
  }

  private take(token: string): boolean {
    this.blanks();
    if (!this.text.startsWith(token, this.at)) return false;
    this.at += token.length;
    return true;
  }

  private blanks(): void {
    while (this.text[this.at] === ' ') this.at++;
  }

  private expect(c: string): void {
    if (this.text[this.at] !== c) throw this.fault(`'${c}' expected`);
    this.at++;
  }

  private fault(what: string): PathSyntaxError {
    return new PathSyntaxError(`path '${this.text}', character ${this.at + 1}: ${what}`);
  }
}

/** Parsing of intrinsic calls: `States.Name(argument, …)`, an argument being `'text'`, a number, true, false, null, a path or a call. */
import { endOfPath, type ParsedPath, PathSyntaxError, parsePath } from '../path-parse.ts';
import type { Json } from '../types.ts';
import { FUNCTIONS, type Intrinsic } from './functions.ts';

export type Expression =
  /** `raw` is the text with its escapes, which `States.Format` needs to tell `\{` from a placeholder. */
  | { kind: 'literal'; value: Json; raw?: string }
  | { kind: 'path'; path: ParsedPath }
  | { kind: 'call'; name: string; run: Intrinsic['run']; args: Expression[] };
export type Call = Extract<Expression, { kind: 'call' }>;

/** A call that cannot be parsed, an unknown function, or a wrong number of arguments. */
export class IntrinsicSyntaxError extends Error {
  override readonly name = 'IntrinsicSyntaxError';
}

/** As AWS. */
const MAX_DEPTH = 10;

/** Throws `IntrinsicSyntaxError`. */
export function parseCall(text: string): Call {
  const parser = new CallParser(text);
  return parser.whole();
}

class CallParser {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  whole(): Call {
    this.blanks();
    const call = this.call(1);
    this.blanks();
    if (this.at < this.text.length) throw this.fault('nothing may follow the call');
    return call;
  }

  private call(depth: number): Call {
    if (depth > MAX_DEPTH) throw this.fault(`calls are nested more than ${MAX_DEPTH} deep`);
    const name = /^[A-Za-z0-9_.]*/.exec(this.text.slice(this.at))![0];
    const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    if (!known) throw this.fault(`'${name}' is no intrinsic function`);
    this.at += name.length;
    this.blanks();
    this.expect('(');
    const args: Expression[] = [];
    this.blanks();
    if (this.text[this.at] !== ')') {
      args.push(this.argument(depth));
      while (this.text[this.at] === ',') {
        this.at++;
        args.push(this.argument(depth));
      }
    }
    this.expect(')');
    const [min, max] = known.arity;
    if (args.length < min || args.length > max) {
      const wanted = min === max ? `${min}` : max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} to ${max}`;
      throw this.fault(`${name} takes ${wanted} arguments, not ${args.length}`);
    }
    return { kind: 'call', name, run: known.run, args };
  }

  private argument(depth: number): Expression {
    this.blanks();
    const out = this.value(depth);
    this.blanks();
    return out;
  }

  private value(depth: number): Expression {
    const c = this.text[this.at];
    if (c === "'") return this.quoted();
    if (c === '$') {
      const end = endOfPath(this.text, this.at);
      try {
        const path = parsePath(this.text.slice(this.at, end));
        this.at = end;
        return { kind: 'path', path };
      } catch (cause) {
        if (cause instanceof PathSyntaxError) throw this.fault(cause.message);
        throw cause;
      }
    }
    const rest = this.text.slice(this.at);
    const literal = /^(true|false|null|-?\d+(\.\d+)?([eE][+-]?\d+)?)(?![\w.])/.exec(rest);
    if (literal) {
      this.at += literal[0].length;
      return { kind: 'literal', value: JSON.parse(literal[1]!) as Json };
    }
    if (rest.startsWith('States.')) return this.call(depth + 1);
    throw this.fault("an argument is a 'text', a number, true, false, null, a path or a call");
  }

  private quoted(): Expression {
    const start = ++this.at;
    let value = '';
    for (; this.at < this.text.length; this.at++) {
      const c = this.text[this.at]!;
      if (c === "'") {
        this.at++;
        return { kind: 'literal', value, raw: this.text.slice(start, this.at - 1) };
      }
      if (c === '\\') {
        const escaped = this.text[++this.at];
        if (escaped === undefined || !"'{}\\".includes(escaped)) throw this.fault(`after \\ comes one of ' { } \\`);
        value += escaped;
      } else value += c;
    }
    throw this.fault('a text is not closed');
  }

  private blanks(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }

  private expect(c: string): void {
    if (this.text[this.at] !== c) throw this.fault(`'${c}' expected`);
    this.at++;
  }

  private fault(what: string): IntrinsicSyntaxError {
    return new IntrinsicSyntaxError(`'${this.text}', character ${this.at + 1}: ${what}`);
  }
}

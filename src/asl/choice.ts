/** The rules of a Choice state. */
import { findPath, readPath } from './paths.ts';
import { parseTimestamp, type Timestamp } from './timestamp.ts';
import { type ChoiceRule, type Json, StatesError } from './types.ts';

type Test = (input: Json, context: Json) => boolean;
const cache = new WeakMap<ChoiceRule, Test>();

/**
 * Whether the rule holds. A value of another type than the operator compares makes it false. Throws `States.Runtime` when `Variable` (but for
 * `IsPresent`) or the path of a `…Path` operator leads nowhere, or the rule is none.
 */
export function matches(rule: ChoiceRule, input: Json, context: Json): boolean {
  let test = cache.get(rule);
  if (!test) {
    test = compile(rule);
    cache.set(rule, test);
  }
  return test(input, context);
}

/** What the operators compare. */
const KINDS = {
  String: (v: Json) => (typeof v === 'string' ? v : undefined),
  Numeric: (v: Json) => (typeof v === 'number' ? v : undefined),
  Boolean: (v: Json) => (typeof v === 'boolean' ? v : undefined),
  Timestamp: (v: Json) => (typeof v === 'string' ? parseTimestamp(v) : undefined),
};
type Kind = keyof typeof KINDS;
type Comparable = string | number | boolean | Timestamp;

const RELATIONS: Record<string, (order: number) => boolean> = {
  Equals: (o) => o === 0,
  LessThan: (o) => o < 0,
  GreaterThan: (o) => o > 0,
  LessThanEquals: (o) => o <= 0,
  GreaterThanEquals: (o) => o >= 0,
};

const TYPE_TESTS: Record<string, (value: Json) => boolean> = {
  IsNull: (v) => v === null,
  IsNumeric: (v) => typeof v === 'number',
  IsString: (v) => typeof v === 'string',
  IsBoolean: (v) => typeof v === 'boolean',
  IsTimestamp: (v) => typeof v === 'string' && parseTimestamp(v) !== undefined,
};

const COMPARISON =
  /^(String|Numeric|Boolean|Timestamp)(Equals|LessThanEquals|GreaterThanEquals|LessThan|GreaterThan)(Path)?$/;

/** What the value of the operator must be; undefined for what is no operator. */
export function operandOf(operator: string): 'path' | 'string' | 'number' | 'boolean' | 'timestamp' | undefined {
  if (operator === 'StringMatches') return 'string';
  if (operator === 'IsPresent' || Object.hasOwn(TYPE_TESTS, operator)) return 'boolean';
  const m = COMPARISON.exec(operator);
  if (!m || (m[1] === 'Boolean' && m[2] !== 'Equals')) return undefined;
  if (m[3]) return 'path';
  return ({ String: 'string', Numeric: 'number', Boolean: 'boolean', Timestamp: 'timestamp' } as const)[m[1] as Kind];
}

function compile(rule: ChoiceRule): Test {
  if (rule.And) {
    const all = rule.And.map(compile);
    return (input, context) => all.every((test) => test(input, context));
  }
  if (rule.Or) {
    const any = rule.Or.map(compile);
    return (input, context) => any.some((test) => test(input, context));
  }
  if (rule.Not) {
    const negated = compile(rule.Not);
    return (input, context) => !negated(input, context);
  }
  const variable = rule.Variable;
  const operator = Object.keys(rule).find((k) => operandOf(k) !== undefined);
  if (typeof variable !== 'string' || operator === undefined)
    throw new StatesError(
      'States.Runtime',
      'a rule of a Choice state has a Variable and a comparison, or And, Or, Not',
    );
  return comparison(variable, operator, rule[operator] as Json);
}

function comparison(variable: string, operator: string, operand: Json): Test {
  if (operator === 'IsPresent')
    return (input, context) => (findPath(variable, input, context) !== undefined) === operand;
  const typeTest = TYPE_TESTS[operator];
  if (typeTest) return (input, context) => typeTest(readPath(variable, input, context)) === operand;
  if (operator === 'StringMatches') {
    const glob = compileGlob(String(operand));
    return (input, context) => {
      const value = readPath(variable, input, context);
      return typeof value === 'string' && glob(value);
    };
  }
  const [, kind, relation, byPath] = COMPARISON.exec(operator)!;
  const convert: (v: Json) => Comparable | undefined = KINDS[kind as Kind];
  const holds = RELATIONS[relation!]!;
  const constant = byPath ? undefined : convert(operand);
  return (input, context) => {
    const left = convert(readPath(variable, input, context));
    const right = byPath ? convert(readPath(String(operand), input, context)) : constant;
    return left !== undefined && right !== undefined && holds(order(left, right));
  };
}

function order(a: Comparable, b: Comparable): number {
  if (typeof a === 'object' && typeof b === 'object') return a.seconds - b.seconds || a.nanos - b.nanos;
  return a === b ? 0 : a < b ? -1 : 1;
}

/** `*` stands for any characters, `\*` for a star, `\\` for a backslash. Linear in the value's length for each star. */
export function compileGlob(pattern: string): (value: string) => boolean {
  const pieces = [''];
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!;
    if (c === '\\' && (pattern[i + 1] === '*' || pattern[i + 1] === '\\')) pieces[pieces.length - 1] += pattern[++i]!;
    else if (c === '*') pieces.push('');
    else pieces[pieces.length - 1] += c;
  }
  if (pieces.length === 1) return (value) => value === pieces[0];
  const first = pieces[0]!;
  const last = pieces.at(-1)!;
  const middle = pieces.slice(1, -1);
  return (value) => {
    if (value.length < first.length + last.length || !value.startsWith(first) || !value.endsWith(last)) return false;
    let at = first.length;
    const end = value.length - last.length;
    for (const piece of middle) {
      const found = value.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
}

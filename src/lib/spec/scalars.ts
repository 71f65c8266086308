/** Kinds of field that hold one value. */
import { nearest } from '../nearest.ts';
import { parseDuration, parseSize } from '../units.ts';
import { absent, type Present, withInfo } from './common.ts';
import { describe, type FieldInfo, type JsonSchema, type Spec } from './spec.ts';

/** Builds a leaf spec: handles absence and defaults, `read` handles a value. */
function leaf<T, I extends FieldInfo<T>>(
  label: string,
  info: I,
  schema: JsonSchema,
  read: (value: unknown) => T | Problem,
): Spec<Present<I, T>> {
  return {
    label,
    info,
    parse(value, path, context) {
      if (value === undefined || value === null) return absent(info, path, context) as Present<I, T>;
      const result = read(value);
      if (result instanceof Problem) {
        context.issues.push({ path, message: result.problem, suggestion: result.suggestion });
        return undefined;
      }
      return result as Present<I, T>;
    },
    jsonSchema: () => withInfo(schema, info),
  };
}

/** What a leaf's `read` returns for a value it does not take. */
class Problem {
  readonly problem: string;
  readonly suggestion: string | undefined;

  constructor(problem: string, suggestion?: string) {
    this.problem = problem;
    this.suggestion = suggestion;
  }
}

/** References stand where any value may stand, so every scalar's JSON Schema admits them. */
const orReference = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'string', pattern: '^\\$\\{' }] });

/** A string. Numbers and booleans that YAML made of plain text are taken as their text. */
export function text<I extends FieldInfo<string> & { pattern?: { regex: RegExp; meaning: string } }>(
  info: I,
): Spec<Present<I, string>> {
  return leaf('text', info, { type: ['string', 'number', 'boolean'] }, (v) => {
    if (typeof v === 'object') return new Problem(`expected text, found ${describe(v)}`);
    const s = String(v);
    if (info.pattern && !info.pattern.regex.test(s))
      return new Problem(`expected ${info.pattern.meaning}, found ${describe(v)}`);
    return s;
  });
}

export function integer<I extends FieldInfo<number> & { min?: number; max?: number }>(
  info: I,
): Spec<Present<I, number>> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = info;
  const limits = { ...(info.min !== undefined && { minimum: min }), ...(info.max !== undefined && { maximum: max }) };
  return leaf('integer', info, orReference({ type: 'integer', ...limits }), (v) => {
    const n = typeof v === 'string' && /^-?\d+$/.test(v) ? Number(v) : v;
    if (typeof n !== 'number' || !Number.isSafeInteger(n))
      return new Problem(`expected a whole number, found ${describe(v)}`);
    if (n < min || n > max) return new Problem(`expected ${rangeText(info)}, found ${n}`);
    return n;
  });
}

export function number<I extends FieldInfo<number> & { min?: number; max?: number }>(
  info: I,
): Spec<Present<I, number>> {
  return leaf('number', info, orReference({ type: 'number' }), (v) => {
    const n = typeof v === 'string' && v.trim() !== '' ? Number(v) : v;
    if (typeof n !== 'number' || !Number.isFinite(n)) return new Problem(`expected a number, found ${describe(v)}`);
    if ((info.min !== undefined && n < info.min) || (info.max !== undefined && n > info.max))
      return new Problem(`expected ${rangeText(info)}, found ${n}`);
    return n;
  });
}

function rangeText({ min, max }: { min?: number; max?: number }): string {
  if (min !== undefined && max !== undefined) return `a number from ${min} to ${max}`;
  return min !== undefined ? `a number of at least ${min}` : `a number of at most ${max}`;
}

export function boolean<I extends FieldInfo<boolean>>(info: I): Spec<Present<I, boolean>> {
  return leaf('true or false', info, orReference({ type: 'boolean' }), (v) => {
    if (v === true || v === 'true') return true;
    if (v === false || v === 'false') return false;
    return new Problem(`expected true or false, found ${describe(v)}`);
  });
}

/** `"2 GB"`; parsed to bytes. */
export function size<I extends FieldInfo<number>>(info: I): Spec<Present<I, number>> {
  return leaf('size', info, { type: ['string', 'integer'] }, (v) => {
    const n = typeof v === 'number' && v === 0 ? 0 : parseSize(String(v));
    return n === undefined ? new Problem(`expected a size with its unit, such as "10 MB", found ${describe(v)}`) : n;
  });
}

/** `"5 min"`; parsed to seconds. */
export function duration<I extends FieldInfo<number>>(info: I): Spec<Present<I, number>> {
  return leaf('duration', info, { type: ['string', 'integer'] }, (v) => {
    const n = typeof v === 'number' && v === 0 ? 0 : parseDuration(scalar(v));
    return n === undefined
      ? new Problem(`expected a duration with its unit, such as "5 min", found ${describe(v)}`)
      : n;
  });
}

export function choice<const V extends readonly string[], I extends FieldInfo<V[number]>>(
  values: V,
  info: I,
): Spec<Present<I, V[number]>> {
  return leaf(values.join(' | '), info, { enum: [...values] }, (v) => {
    const s = scalar(v);
    if (values.includes(s)) return s as V[number];
    return new Problem(`expected one of ${values.join(', ')}, found ${describe(v)}`, nearest(s, values));
  });
}

/** A mapping has no text, and one from YAML cannot even be asked. */
const scalar = (v: unknown): string => (typeof v === 'object' && v !== null ? '' : String(v));

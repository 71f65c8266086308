/**
 * What a request may hold, declared once: from it come the TypeScript type, the check of the input, and the JSON Schema of the API's
 * description. A small part of JSON Schema 2020-12, on purpose.
 */
export interface JsonSchema {
  $ref?: string;
  type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object' | 'null' | readonly string[];
  description?: string;
  enum?: readonly string[];
  pattern?: string;
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  default?: unknown;
  items?: JsonSchema;
  maxItems?: number;
  properties?: Record<string, JsonSchema>;
  required?: readonly string[];
  additionalProperties?: boolean | JsonSchema;
  oneOf?: readonly JsonSchema[];
  anyOf?: readonly JsonSchema[];
}

export interface Schema<T> {
  readonly json: JsonSchema;
  /** Only for the compiler. */
  readonly is?: T;
}
export interface OptionalSchema<T> extends Schema<T> {
  readonly optional: true;
}
// biome-ignore lint/suspicious/noExplicitAny: a schema of any type.
type Fields = Record<string, Schema<any>>;
type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K] extends OptionalSchema<unknown> ? K : never }[keyof F];
type TypeOf<S> = S extends Schema<infer T> ? T : never;
export type Shape<F extends Fields> = { [K in Exclude<keyof F, OptionalKeys<F>>]: TypeOf<F[K]> } & {
  [K in OptionalKeys<F>]?: TypeOf<F[K]>;
};
export interface ObjectSchema<T> extends Schema<T> {
  readonly required: readonly string[];
}

const text = (description: string, more: JsonSchema = {}): Schema<string> => ({
  json: { type: 'string', description, maxLength: 1000, ...more },
});
const integer = (description: string, more: JsonSchema = {}): Schema<number> => ({
  json: { type: 'integer', description, minimum: 0, maximum: Number.MAX_SAFE_INTEGER, ...more },
});
const flag = (description: string): Schema<boolean> => ({ json: { type: 'boolean', description } });
const choice = <const V extends readonly string[]>(values: V, description: string): Schema<V[number]> => ({
  json: { type: 'string', enum: values, description },
});
const list = <T>(item: Schema<T>, description: string): Schema<T[]> => ({
  json: { type: 'array', items: item.json, maxItems: 10_000, description },
});
const map = <T>(item: Schema<T>, description: string): Schema<Record<string, T>> => ({
  json: { type: 'object', additionalProperties: item.json, description },
});
const optional = <T>(schema: Schema<T>): OptionalSchema<T> => ({ json: schema.json, optional: true });
const object = <F extends Fields>(fields: F): ObjectSchema<Shape<F>> => {
  const required = Object.keys(fields).filter((k) => !('optional' in fields[k]!));
  const properties = Object.fromEntries(Object.entries(fields).map(([k, f]) => [k, f.json]));
  return {
    json: { type: 'object', properties, additionalProperties: false, ...(required.length > 0 && { required }) },
    required,
  };
};

/** Builders of schemas. Every field has a description. */
export const j = { text, integer, flag, choice, list, map, optional, object };

export interface InputProblem {
  /** JSON Pointer within the body, or the name of the parameter. */
  pointer: string;
  detail: string;
}

/** Everything that is wrong with a value, or nothing. */
export function problemsOf(schema: JsonSchema, value: unknown, pointer = ''): InputProblem[] {
  const wrong = (detail: string): InputProblem[] => [{ pointer, detail }];
  switch (schema.type) {
    case 'string':
      if (typeof value !== 'string') return wrong('must be text');
      if (schema.enum && !schema.enum.includes(value)) return wrong(`must be one of ${schema.enum.join(', ')}`);
      if (value.length < (schema.minLength ?? 0)) return wrong('must not be empty');
      if (value.length > (schema.maxLength ?? Infinity))
        return wrong(`must have at most ${schema.maxLength} characters`);
      if (schema.pattern && !new RegExp(schema.pattern, 'u').test(value)) return wrong(`must match ${schema.pattern}`);
      return [];
    case 'integer':
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) return wrong('must be a whole number');
      if (value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity))
        return wrong(`must be from ${schema.minimum} to ${schema.maximum}`);
      return [];
    case 'boolean':
      return typeof value === 'boolean' ? [] : wrong('must be true or false');
    case 'array':
      if (!Array.isArray(value)) return wrong('must be a list');
      if (value.length > (schema.maxItems ?? Infinity)) return wrong(`must have at most ${schema.maxItems} items`);
      return value.flatMap((v, i) => problemsOf(schema.items!, v, `${pointer}/${i}`));
    case 'object':
      return objectProblems(schema, value, pointer);
    default:
      throw new RangeError(`no check for a schema of type ${schema.type}`);
  }
}

function objectProblems(schema: JsonSchema, value: unknown, pointer: string): InputProblem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [{ pointer, detail: 'must be an object' }];
  const { properties = {}, additionalProperties, required = [] } = schema;
  const at = (key: string) => `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const missing = required
    .filter((k) => !Object.hasOwn(value, k))
    .map((k) => ({ pointer: at(k), detail: 'is missing' }));
  const entries = Object.entries(value).flatMap(([key, v]) => {
    if (Object.hasOwn(properties, key)) return problemsOf(properties[key]!, v, at(key));
    if (typeof additionalProperties === 'object') return problemsOf(additionalProperties, v, at(key));
    const known = Object.keys(properties);
    return [{ pointer: at(key), detail: `is not known; known: ${known.length > 0 ? known.join(', ') : 'nothing'}` }];
  });
  return [...missing, ...entries];
}

/** Parameters of a URL as the schema has them: numbers and flags from text, lists from repetition. What cannot be read stays text. */
export function readParameters(schema: JsonSchema, parameters: URLSearchParams): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const name of new Set(parameters.keys())) {
    const all = parameters.getAll(name);
    const { type } = schema.properties?.[name] ?? {};
    const value = all.at(-1)!;
    if (type === 'array') out[name] = all;
    else if (type === 'integer' && /^-?\d{1,16}$/.test(value)) out[name] = Number(value);
    else if (type === 'boolean' && ['true', 'false', ''].includes(value)) out[name] = value !== 'false';
    else out[name] = value;
  }
  return out;
}

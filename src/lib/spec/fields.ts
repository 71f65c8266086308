/** The kinds of field a spec is made of. `s.text({ doc: … })` and so on; see `spec.ts`. */
import { nearest } from '../nearest.ts';
import { absent, isMapping, isRequired, type Present, withInfo } from './common.ts';
import { boolean, choice, duration, integer, number, size, text } from './scalars.ts';
import { describe, type FieldInfo, type JsonSchema, type ObjectSpec, type Spec } from './spec.ts';

/** A list; a single value is taken as a list of one. */
function list<T, I extends FieldInfo<T[]>>(item: Spec<T>, info: I): Spec<Present<I, T[]>> {
  return {
    label: `list of ${item.label}`,
    info,
    children: { kind: 'items', item: item as Spec<unknown> },
    parse(value, path, context) {
      if (value === undefined || value === null) return absent(info, path, context) as Present<I, T[]>;
      const values = Array.isArray(value) ? value : [value];
      return values.map((v, i) => item.parse(v, Array.isArray(value) ? [...path, i] : path, context)) as Present<
        I,
        T[]
      >;
    },
    jsonSchema: () => withInfo({ anyOf: [{ type: 'array', items: item.jsonSchema() }, item.jsonSchema()] }, info),
  };
}

/** A mapping with names the user chooses. */
function map<T, I extends FieldInfo<Record<string, T>> & { names?: { regex: RegExp; meaning: string } }>(
  item: Spec<T>,
  info: I,
): Spec<Present<I, Record<string, T>>> {
  return {
    label: `mapping of name to ${item.label}`,
    info,
    children: { kind: 'items', item: item as Spec<unknown> },
    parse(value, path, context) {
      if (value === undefined || value === null) return absent(info, path, context) as Present<I, Record<string, T>>;
      if (!isMapping(value)) {
        context.issues.push({ path, message: `expected a mapping, found ${describe(value)}` });
        return undefined;
      }
      const out: Record<string, T> = {};
      for (const [k, v] of Object.entries(value)) {
        if (info.names && !info.names.regex.test(k))
          context.issues.push({ path: [...path, k], atKey: true, message: `"${k}" is not ${info.names.meaning}` });
        const parsed = item.parse(v, [...path, k], context);
        if (parsed !== undefined) out[k] = parsed;
      }
      return out as Present<I, Record<string, T>>;
    },
    jsonSchema: () => withInfo({ type: 'object', additionalProperties: item.jsonSchema() }, info),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a field of any type.
type Fields = Record<string, Spec<any>>;
type Shape<F extends Fields> = { [K in keyof F]: F[K] extends Spec<infer T> ? T : never };

/**
 * A mapping with declared fields. Unknown fields are issues with the nearest right spelling.
 * `shorthand` turns a value that is not a mapping into one, e.g. `gzip` into `{ type: 'gzip' }`.
 */
function object<
  F extends Fields,
  I extends FieldInfo<Shape<F>> & {
    shorthand?: { label: string; schema: JsonSchema; expand(value: unknown): unknown };
  },
>(fields: F, info: I): ObjectSpec<Present<I, Shape<F>>> {
  const spec: ObjectSpec<Present<I, Shape<F>>> = {
    label: info.shorthand ? `${info.shorthand.label}, or a mapping` : 'mapping',
    info,
    fields,
    children: { kind: 'object', fields },
    parse(value, path, context) {
      if ((value === undefined || value === null) && (info.optional || info.default !== undefined))
        return info.default as Present<I, Shape<F>>;
      let mapping: unknown = value ?? {};
      if (!isMapping(mapping) && info.shorthand) mapping = info.shorthand.expand(mapping);
      if (!isMapping(mapping)) {
        context.issues.push({ path, message: `expected a mapping, found ${describe(value)}` });
        return undefined;
      }
      for (const key of Object.keys(mapping)) {
        if (!Object.hasOwn(fields, key)) {
          const suggestion = nearest(key, Object.keys(fields));
          const known = suggestion ? '' : `; known here: ${Object.keys(fields).join(', ')}`;
          context.issues.push({
            path: [...path, key],
            atKey: true,
            message: `"${key}" is not known here${known}`,
            suggestion,
          });
        }
      }
      const out: Record<string, unknown> = {};
      for (const [key, field] of Object.entries(fields)) out[key] = field.parse(mapping[key], [...path, key], context);
      return out as Present<I, Shape<F>>;
    },
    jsonSchema() {
      const required = Object.entries(fields)
        .filter(([, f]) => isRequired(f))
        .map(([k]) => k);
      const properties = Object.fromEntries(Object.entries(fields).map(([k, f]) => [k, f.jsonSchema()]));
      const schema: JsonSchema = {
        type: 'object',
        additionalProperties: false,
        properties,
        ...(required.length > 0 && { required }),
      };
      return withInfo(info.shorthand ? { anyOf: [info.shorthand.schema, schema] } : schema, info);
    },
  };
  return spec;
}

export interface Variant {
  type: string;
  title: string;
  // biome-ignore lint/suspicious/noExplicitAny: a config of any type.
  spec: ObjectSpec<any>;
}

/** The configuration of one of several components, told apart by its `type`. A bare name stands for that type with its defaults. */
export interface Chosen {
  type: string;
  [field: string]: unknown;
}

function variants<I extends FieldInfo<Chosen>>(choices: readonly Variant[], info: I): Spec<Present<I, Chosen>> {
  return {
    label: 'component',
    info,
    children: { kind: 'variants', key: 'type', variants: [...choices] },
    parse(value, path, context) {
      if (value === undefined || value === null) return absent(info, path, context) as Present<I, Chosen>;
      const mapping = isMapping(value) ? value : { type: value };
      const { type, ...rest } = mapping;
      const names = choices.map((c) => c.type);
      if (type === undefined) {
        context.issues.push({ path, atKey: true, message: `"type" is missing: one of ${names.join(', ')}` });
        return undefined;
      }
      const chosen = choices.find((c) => c.type === type);
      if (!chosen) {
        const at = isMapping(value) ? [...path, 'type'] : path;
        context.issues.push({
          path: at,
          message: `expected one of ${names.join(', ')}, found ${describe(type)}`,
          suggestion: nearest(String(type), names),
        });
        return undefined;
      }
      const parsed = chosen.spec.parse(rest, path, context);
      return (parsed && { ...parsed, type: chosen.type }) as Present<I, Chosen>;
    },
    jsonSchema() {
      const objects = choices.map((c) => {
        const schema = c.spec.jsonSchema() as { properties?: object; required?: string[] };
        return {
          ...schema,
          title: c.title,
          properties: { type: { const: c.type }, ...schema.properties },
          required: ['type', ...(schema.required ?? [])],
        };
      });
      const bare = choices.filter((c) => !('required' in c.spec.jsonSchema())).map((c) => c.type);
      return withInfo({ anyOf: [...(bare.length > 0 ? [{ enum: bare }] : []), ...objects] }, info);
    },
  };
}

/** A value of one spec that needs a further check or change. */
function refine<T, U>(
  base: Spec<T>,
  change: (value: T, fail: (problem: string, suggestion?: string) => undefined) => U | undefined,
): Spec<U> {
  return {
    label: base.label,
    info: base.info,
    ...(base.children && { children: base.children }),
    parse(value, path, context) {
      const before = context.issues.length;
      const parsed = base.parse(value, path, context);
      if (parsed === undefined || context.issues.length > before) return parsed as undefined;
      return change(parsed, (message, suggestion) => {
        context.issues.push({ path, message, suggestion });
        return undefined;
      });
    },
    jsonSchema: () => base.jsonSchema(),
  };
}

export const s = { text, integer, number, boolean, size, duration, choice, list, map, object, variants, refine };

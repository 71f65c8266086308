/**
 * Payload templates: `Parameters`, `ItemSelector`, `ResultSelector`, `BatchInput`. A key that ends in `.$` has a path or an intrinsic call as
 * its value; everything else is taken as it stands, at any depth.
 */

import { type Call, IntrinsicSyntaxError } from './intrinsics/parse.ts';
import { isIntrinsic, parseIntrinsic, runCall } from './intrinsics.ts';
import { type ParsedPath, PathSyntaxError, parsePath } from './path-parse.ts';
import { read, setProperty } from './paths.ts';
import { type Json, type JsonObject, StatesError } from './types.ts';

type Compiled =
  | { kind: 'constant'; value: Json }
  | { kind: 'path'; field: string; path: ParsedPath }
  | { kind: 'call'; call: Call }
  | { kind: 'object'; fields: [name: string, value: Compiled][] }
  | { kind: 'array'; items: Compiled[] };

const cache = new WeakMap<JsonObject, Compiled>();

/**
 * The template with its paths and calls replaced. Parts are shared with the template, the input and the context: do not change them.
 * Throws `States.ParameterPathFailure` for a path that leads nowhere, `States.IntrinsicFailure` for a call that fails, `States.Runtime` for
 * a template that is none (a `.$` field that is neither path nor call).
 */
export function evaluate(template: JsonObject, input: Json, context: Json): Json {
  let compiled = cache.get(template);
  if (!compiled) {
    compiled = compile(template);
    cache.set(template, compiled);
  }
  return run(compiled, input, context);
}

/** What is wrong with the template: where (`$.a.b` within it) and what. */
export function faultsOfTemplate(template: Json, at = ''): { at: string; message: string }[] {
  if (typeof template !== 'object' || template === null) return [];
  if (Array.isArray(template)) return template.flatMap((item, i) => faultsOfTemplate(item, `${at}[${i}]`));
  return Object.entries(template).flatMap(([name, value]) => {
    const here = `${at}.${name}`;
    if (!name.endsWith('.$')) return faultsOfTemplate(value, here);
    if (Object.hasOwn(template, name.slice(0, -2)))
      return [{ at: here, message: `stands beside '${name.slice(0, -2)}'` }];
    try {
      compileField(name, value);
      return [];
    } catch (cause) {
      if (cause instanceof StatesError) return [{ at: here, message: cause.causeText }];
      throw cause;
    }
  });
}

function compile(value: Json): Compiled {
  if (typeof value !== 'object' || value === null) return { kind: 'constant', value };
  if (Array.isArray(value)) {
    const items = value.map(compile);
    return items.every((i) => i.kind === 'constant') ? { kind: 'constant', value } : { kind: 'array', items };
  }
  const fields = Object.entries(value).map(([name, part]): [string, Compiled] =>
    name.endsWith('.$') ? [name.slice(0, -2), compileField(name, part)] : [name, compile(part)],
  );
  return fields.every(([, part]) => part.kind === 'constant')
    ? { kind: 'constant', value }
    : { kind: 'object', fields };
}

function compileField(field: string, text: Json): Compiled {
  if (typeof text !== 'string') throw new StatesError('States.Runtime', `'${field}' is a path or an intrinsic call`);
  try {
    if (isIntrinsic(text)) return { kind: 'call', call: parseIntrinsic(text) };
    return { kind: 'path', field, path: parsePath(text) };
  } catch (cause) {
    if (cause instanceof IntrinsicSyntaxError) throw new StatesError('States.IntrinsicFailure', cause.message);
    if (cause instanceof PathSyntaxError) throw new StatesError('States.ParameterPathFailure', cause.message);
    throw cause;
  }
}

function run(compiled: Compiled, input: Json, context: Json): Json {
  switch (compiled.kind) {
    case 'constant':
      return compiled.value;
    case 'call':
      return runCall(compiled.call, input, context);
    case 'array':
      return compiled.items.map((item) => run(item, input, context));
    case 'object': {
      const out: JsonObject = {};
      for (const [name, part] of compiled.fields) setProperty(out, name, run(part, input, context));
      return out;
    }
    case 'path': {
      const found = read(compiled.path, input, context);
      if (found !== undefined) return found;
      throw new StatesError(
        'States.ParameterPathFailure',
        `The JSONPath '${compiled.path.text}' specified for the field '${compiled.field}' could not be found in the input`,
      );
    }
  }
}

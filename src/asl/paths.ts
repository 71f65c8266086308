/** Reading by JSONPath and writing by reference path. Values are shared with what they were read from; nothing here changes its input. */
import { type Filter, type Operand, type ParsedPath, PathSyntaxError, parsePath, type Segment } from './path-parse.ts';
import { type Json, type JsonObject, StatesError } from './types.ts';

/**
 * What `path` leads to: in `context` when it begins with `$$`, else in `input`. A path that may lead to several places gives an array,
 * empty when there is nothing. Throws `States.Runtime` when the path is no path, or a place that it must lead to is not there.
 */
export function readPath(path: string, input: Json, context: Json): Json {
  const parsed = parsedOrRuntime(path);
  const found = read(parsed, input, context);
  if (found === undefined)
    throw new StatesError('States.Runtime', `The JSONPath '${path}' could not be found in the input`);
  return found;
}

/** As `readPath`, but undefined where nothing is found. */
export function findPath(path: string, input: Json, context: Json): Json | undefined {
  return read(parsedOrRuntime(path), input, context);
}

/** As `findPath`, for a path that is parsed. */
export function read(path: ParsedPath, input: Json, context: Json): Json | undefined {
  const root = path.context ? context : input;
  if (path.keys === undefined) return select(path, root, { input, context });
  let node: Json | undefined = root;
  for (const key of path.keys) {
    node = typeof key === 'string' ? property(node, key) : element(node, key);
    if (node === undefined) return undefined;
  }
  return node;
}

/**
 * A copy of `into` with `value` at the reference path. Objects on the way are made where they are missing; an element of an array must be
 * there. Throws `States.ResultPathMatchFailure` where the path cannot be followed.
 */
export function writePath(path: string, into: Json, value: Json): Json {
  const { keys, context } = parsedOrRuntime(path);
  if (keys === undefined || context)
    throw new StatesError('States.ResultPathMatchFailure', `'${path}' is not a reference path into the input`);
  return put(into, keys, 0, value, path);
}

/** Whether `path` leads to exactly one place of the input or context: names and indexes only. False also for what is no path. */
export function isReferencePath(path: string): boolean {
  try {
    return parsePath(path).keys !== undefined;
  } catch (cause) {
    if (cause instanceof PathSyntaxError) return false;
    throw cause;
  }
}

/** Sets an own property, whatever its name. */
export function setProperty(object: JsonObject, name: string, value: Json): void {
  if (name === '__proto__')
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  else object[name] = value;
}

function parsedOrRuntime(path: string): ParsedPath {
  try {
    return parsePath(path);
  } catch (cause) {
    if (cause instanceof PathSyntaxError) throw new StatesError('States.Runtime', cause.message);
    throw cause;
  }
}

function property(node: Json | undefined, name: string): Json | undefined {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return undefined;
  return Object.hasOwn(node, name) ? node[name] : undefined;
}

function element(node: Json | undefined, index: number): Json | undefined {
  return Array.isArray(node) ? node[index < 0 ? node.length + index : index] : undefined;
}

function put(node: Json | undefined, keys: (string | number)[], at: number, value: Json, path: string): Json {
  const key = keys[at];
  if (key === undefined) return value;
  if (typeof key === 'string') {
    if (node !== undefined && (typeof node !== 'object' || node === null || Array.isArray(node)))
      throw new StatesError('States.ResultPathMatchFailure', `'${path}' cannot be applied: no object at '${key}'`);
    const copy: JsonObject = { ...node };
    setProperty(copy, key, put(property(node, key), keys, at + 1, value, path));
    return copy;
  }
  if (!Array.isArray(node) || element(node, key) === undefined)
    throw new StatesError('States.ResultPathMatchFailure', `'${path}' cannot be applied: no element [${key}]`);
  const copy = node.slice();
  copy[key < 0 ? node.length + key : key] = put(element(node, key), keys, at + 1, value, path);
  return copy;
}

interface Roots {
  input: Json;
  context: Json;
}

/** The general way. Undefined when a name or index before the first many-valued segment leads nowhere. */
function select(path: ParsedPath, root: Json, roots: Roots): Json | undefined {
  let nodes: Json[] = [root];
  let many = false;
  for (const [i, segment] of path.segments.entries()) {
    if (segment.kind === 'names' && i === path.segments.length - 1) {
      nodes = nodes.flatMap((node) => merged(node, segment.names));
      if (!many) return nodes[0];
      break;
    }
    const next: Json[] = [];
    for (const node of nodes) step(segment, node, roots, next);
    if (segment.kind !== 'name' && segment.kind !== 'index') many = true;
    else if (!many && next.length === 0) return undefined;
    nodes = next;
  }
  return nodes;
}

/** Several names at the end of a path give one object with those that are there, as in AWS. */
function merged(node: Json, names: string[]): JsonObject[] {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return [];
  const out: JsonObject = {};
  for (const name of names) if (Object.hasOwn(node, name)) setProperty(out, name, node[name]!);
  return [out];
}

function step(segment: Segment, node: Json, roots: Roots, out: Json[]): void {
  const add = (found: Json | undefined) => {
    if (found !== undefined) out.push(found);
  };
  switch (segment.kind) {
    case 'name':
      add(property(node, segment.name));
      return;
    case 'index':
      add(element(node, segment.index));
      return;
    case 'names':
      for (const name of segment.names) add(property(node, name));
      return;
    case 'indexes':
      for (const index of segment.indexes) add(element(node, index));
      return;
    case 'slice':
      if (Array.isArray(node)) {
        const part = node.slice(segment.from ?? 0, segment.to ?? node.length);
        for (let i = 0; i < part.length; i += segment.step) out.push(part[i]!);
      }
      return;
    case 'any':
      if (typeof node === 'object' && node !== null) for (const child of Object.values(node)) out.push(child);
      return;
    case 'filter':
      if (Array.isArray(node)) {
        for (const child of node) if (passes(segment.test, child, roots)) out.push(child);
      } else if (typeof node === 'object' && node !== null && passes(segment.test, node, roots)) out.push(node);
      return;
    case 'deep':
      descend(node, out);
  }
}

function descend(node: Json, out: Json[]): void {
  out.push(node);
  if (typeof node === 'object' && node !== null) for (const child of Object.values(node)) descend(child, out);
}

function passes(filter: Filter, node: Json, roots: Roots): boolean {
  switch (filter.kind) {
    case 'and':
      return passes(filter.left, node, roots) && passes(filter.right, node, roots);
    case 'or':
      return passes(filter.left, node, roots) || passes(filter.right, node, roots);
    case 'not':
      return !passes(filter.of, node, roots);
    case 'exists': {
      const value = operandValue(filter.operand, node, roots);
      const indefinite = filter.operand.kind === 'path' && !filter.operand.path.definite;
      return indefinite ? Array.isArray(value) && value.length > 0 : value !== undefined;
    }
    case 'compare':
      return compare(filter.op, operandValue(filter.left, node, roots), operandValue(filter.right, node, roots));
  }
}

function operandValue(operand: Operand, node: Json, roots: Roots): Json | undefined {
  if (operand.kind === 'literal') return operand.value;
  return operand.from === '@'
    ? read(operand.path, node, roots.context)
    : read(operand.path, roots.input, roots.context);
}

function compare(op: string, a: Json | undefined, b: Json | undefined): boolean {
  if (op === '==') return a !== undefined && b !== undefined && equalJson(a, b);
  if (op === '!=') return a === undefined || b === undefined ? a !== b : !equalJson(a, b);
  if (!(typeof a === 'number' && typeof b === 'number') && !(typeof a === 'string' && typeof b === 'string'))
    return false;
  if (op === '<') return a < b;
  if (op === '<=') return a <= b;
  return op === '>' ? a > b : a >= b;
}

/** Equal as JSON: the order of keys does not count. */
export function equalJson(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((v, i) => equalJson(v, b[i]!));
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((k) => Object.hasOwn(b, k) && equalJson(a[k]!, b[k]!));
}

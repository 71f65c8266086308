/**
 * Evaluation of intrinsic calls. `States.UUID` and `States.MathRandom` without a seed give another value each time they are evaluated: a host
 * that needs the same value for every attempt keeps the evaluated parameters.
 */
import { type Call, type Expression, IntrinsicSyntaxError, parseCall } from './intrinsics/parse.ts';
import { read } from './paths.ts';
import { type Json, StatesError } from './types.ts';

const cache = new Map<string, Call>();
const CACHE_LIMIT = 20_000;

/** Whether the value of a `.$` field is a call, not a path. */
export function isIntrinsic(text: string): boolean {
  return !text.startsWith('$');
}

/** Parsed once and kept. Throws `IntrinsicSyntaxError`. */
export function parseIntrinsic(text: string): Call {
  const known = cache.get(text);
  if (known) return known;
  const call = parseCall(text);
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(text, call);
  return call;
}

/** Throws `States.IntrinsicFailure`: a call that cannot be parsed, an argument of a wrong kind, a path that leads nowhere. */
export function evaluateIntrinsic(text: string, input: Json, context: Json): Json {
  try {
    return runCall(parseIntrinsic(text), input, context);
  } catch (cause) {
    if (cause instanceof IntrinsicSyntaxError) throw new StatesError('States.IntrinsicFailure', cause.message);
    throw cause;
  }
}

/** As `evaluateIntrinsic`, for a call that is parsed. */
export function runCall(call: Call, input: Json, context: Json): Json {
  const args = call.args.map((arg, i) =>
    i === 0 && arg.kind === 'literal' && arg.raw !== undefined && call.name === 'States.Format'
      ? arg.raw
      : argument(arg, call, input, context),
  );
  return call.run(args);
}

function argument(arg: Expression, call: Call, input: Json, context: Json): Json {
  if (arg.kind === 'literal') return arg.value;
  if (arg.kind === 'call') return runCall(arg, input, context);
  const found = read(arg.path, input, context);
  if (found === undefined)
    throw new StatesError(
      'States.IntrinsicFailure',
      `${call.name}: the JSONPath '${arg.path.text}' could not be found`,
    );
  return found;
}

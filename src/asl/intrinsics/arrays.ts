/** Intrinsic functions over arrays. */
import { equalJson } from '../paths.ts';
import type { Json } from '../types.ts';
import { failure, wantArray, wantInteger } from './failure.ts';

/** As AWS. */
const MAX_RANGE = 1000;

export function array(args: Json[]): Json {
  return args;
}

/** Parts of the length given; the last may be shorter. */
export function partition([items, size]: Json[]): Json {
  const from = wantArray('States.ArrayPartition', items);
  const length = wantInteger('States.ArrayPartition', size, 'the length of a part');
  if (length < 1) throw failure('States.ArrayPartition', 'the length of a part is positive');
  const out: Json[] = [];
  for (let i = 0; i < from.length; i += length) out.push(from.slice(i, i + length));
  return out;
}

export function contains([items, wanted]: Json[]): Json {
  return wantArray('States.ArrayContains', items).some((item) => equalJson(item, wanted!));
}

/** From the first to the second, both included, by the third, which may be negative. */
export function range([first, last, by]: Json[]): Json {
  const name = 'States.ArrayRange';
  const from = wantInteger(name, first, 'the first argument');
  const to = wantInteger(name, last, 'the last value');
  const step = wantInteger(name, by, 'the step');
  if (step === 0) throw failure(name, 'the step is not 0');
  const count = Math.max(0, Math.floor((to - from) / step) + 1);
  if (count > MAX_RANGE) throw failure(name, `gives ${count} elements; ${MAX_RANGE} are allowed`);
  return Array.from({ length: count }, (_, i) => from + i * step);
}

export function getItem([items, index]: Json[]): Json {
  const from = wantArray('States.ArrayGetItem', items);
  const at = wantInteger('States.ArrayGetItem', index, 'the index');
  if (at < 0 || at >= from.length)
    throw failure('States.ArrayGetItem', `there is no element ${at}, the array has ${from.length}`);
  return from[at]!;
}

export function length([items]: Json[]): Json {
  return wantArray('States.ArrayLength', items).length;
}

/** The first of equal elements is kept; the order is kept. */
export function unique([items]: Json[]): Json {
  const seen = new Set<Json>();
  const composite: Json[] = [];
  return wantArray('States.ArrayUnique', items).filter((item) => {
    if (typeof item === 'object' && item !== null) {
      if (composite.some((other) => equalJson(other, item))) return false;
      composite.push(item);
      return true;
    }
    if (seen.has(item)) return false;
    seen.add(item);
    return true;
  });
}

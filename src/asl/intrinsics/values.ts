/** Intrinsic functions over JSON and numbers. */
import { randomInt } from 'node:crypto';
import type { Json } from '../types.ts';
import { failure, kindOf, wantInteger, wantString } from './failure.ts';

const MIN_INT = -(2 ** 31);
const MAX_INT = 2 ** 31 - 1;

export function stringToJson([text]: Json[]): Json {
  const from = wantString('States.StringToJson', text, 'the argument');
  try {
    return JSON.parse(from) as Json;
  } catch {
    throw failure('States.StringToJson', 'the text is not JSON');
  }
}

export function jsonToString([value]: Json[]): Json {
  return JSON.stringify(value);
}

/** Shallow, the second wins; AWS knows no deep merge yet, and the third argument must say so (`false`). */
export function jsonMerge([first, second, deep]: Json[]): Json {
  for (const value of [first, second])
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw failure('States.JsonMerge', `merges objects, not ${kindOf(value)}`);
  if (deep !== false)
    throw failure('States.JsonMerge', 'the third argument is false: only the shallow merge is supported');
  return { ...(first as object), ...(second as object) };
}

/**
 * An integer from the first, included, to the second, excluded. With a seed always the same one, here; AWS draws another for the same seed.
 * Without a seed another at every evaluation.
 */
export function mathRandom([from, to, seed]: Json[]): Json {
  const name = 'States.MathRandom';
  const low = wantInteger(name, from, 'the first argument');
  const high = wantInteger(name, to, 'the second argument');
  if (low >= high) throw failure(name, 'the first argument is less than the second');
  if (seed === undefined) {
    const span = high - low;
    return low + (span < 2 ** 48 ? randomInt(span) : Math.floor(Math.random() * span));
  }
  return low + Math.floor(mulberry32(wantInteger(name, seed, 'the seed')) * (high - low));
}

/** Both arguments and the sum are integers of 32 bits. */
export function mathAdd([a, b]: Json[]): Json {
  const name = 'States.MathAdd';
  const terms = [wantInteger(name, a, 'the first argument'), wantInteger(name, b, 'the second argument')];
  const sum = terms[0]! + terms[1]!;
  for (const n of [...terms, sum])
    if (n < MIN_INT || n > MAX_INT) throw failure(name, `${n} is outside ${MIN_INT} to ${MAX_INT}`);
  return sum;
}

/** First draw of the generator of that name, 0 to 1. */
function mulberry32(seed: number): number {
  let t = (seed + 0x6d2b79f5) | 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

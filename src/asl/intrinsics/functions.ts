/** The table of the intrinsic functions of AWS for JSONPath documents. */

import type { Json } from '../types.ts';
import { array, contains, getItem, length, partition, range, unique } from './arrays.ts';
import { base64Decode, base64Encode, format, hash, split, uuid } from './text.ts';
import { jsonMerge, jsonToString, mathAdd, mathRandom, stringToJson } from './values.ts';

export interface Intrinsic {
  /** How many arguments at least and at most. */
  arity: readonly [min: number, max: number];
  /** Throws `States.IntrinsicFailure`. Does not change its arguments. */
  run(args: Json[]): Json;
}

export const FUNCTIONS: Record<string, Intrinsic> = {
  'States.Format': { arity: [1, Number.POSITIVE_INFINITY], run: format },
  'States.StringToJson': { arity: [1, 1], run: stringToJson },
  'States.JsonToString': { arity: [1, 1], run: jsonToString },
  'States.Array': { arity: [0, Number.POSITIVE_INFINITY], run: array },
  'States.ArrayPartition': { arity: [2, 2], run: partition },
  'States.ArrayContains': { arity: [2, 2], run: contains },
  'States.ArrayRange': { arity: [3, 3], run: range },
  'States.ArrayGetItem': { arity: [2, 2], run: getItem },
  'States.ArrayLength': { arity: [1, 1], run: length },
  'States.ArrayUnique': { arity: [1, 1], run: unique },
  'States.Base64Encode': { arity: [1, 1], run: base64Encode },
  'States.Base64Decode': { arity: [1, 1], run: base64Decode },
  'States.Hash': { arity: [2, 2], run: hash },
  'States.JsonMerge': { arity: [3, 3], run: jsonMerge },
  'States.MathRandom': { arity: [2, 3], run: mathRandom },
  'States.MathAdd': { arity: [2, 2], run: mathAdd },
  'States.StringSplit': { arity: [2, 2], run: split },
  'States.UUID': { arity: [0, 0], run: uuid },
};

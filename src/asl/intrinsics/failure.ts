/** Checks of arguments, shared by the intrinsic functions. All throw `States.IntrinsicFailure`. */
import { type Json, StatesError } from '../types.ts';

export function failure(name: string, what: string): StatesError {
  return new StatesError('States.IntrinsicFailure', `${name}: ${what}`);
}

export function wantString(name: string, value: Json | undefined, which: string): string {
  if (typeof value !== 'string') throw failure(name, `${which} is a string, not ${kindOf(value)}`);
  return value;
}

export function wantArray(name: string, value: Json | undefined): Json[] {
  if (!Array.isArray(value)) throw failure(name, `the first argument is an array, not ${kindOf(value)}`);
  return value;
}

/** Numbers are rounded to the nearest integer, as AWS does. */
export function wantInteger(name: string, value: Json | undefined, which: string): number {
  if (typeof value !== 'number') throw failure(name, `${which} is a number, not ${kindOf(value)}`);
  return Math.round(value);
}

export function kindOf(value: Json | undefined): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

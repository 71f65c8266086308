/** Checks of single values, from which the tables of fields are made. */
import { parsePath } from '../path-parse.ts';
import { isReferencePath } from '../paths.ts';
import { faultsOfTemplate } from '../template.ts';
import { parseTimestamp } from '../timestamp.ts';
import type { Json } from '../types.ts';

export type Fields = { [name: string]: unknown };
/** Tells a finding: where and what. */
export type Report = (path: string, message: string) => void;
export type Check = (value: unknown, at: string, report: Report) => void;

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The path of a member, in brackets where its name is not plain. */
export function member(at: string, name: string): string {
  if (/^[\w-]+$/.test(name)) return at ? `${at}.${name}` : name;
  return `${at}[${JSON.stringify(name)}]`;
}

export const anything: Check = () => {};

export const string: Check = (value, at, report) => {
  if (typeof value !== 'string' || value === '') report(at, 'is a text that is not empty');
};

export const text: Check = (value, at, report) => {
  if (typeof value !== 'string') report(at, 'is a text');
};

export const array: Check = (value, at, report) => {
  if (!Array.isArray(value) || value.length === 0) report(at, 'is an array that is not empty');
};

export const object: Check = (value, at, report) => {
  if (!isObject(value)) report(at, 'is an object');
};

export function oneOf(...allowed: unknown[]): Check {
  return (value, at, report) => {
    if (!allowed.includes(value)) report(at, `is ${allowed.map((a) => JSON.stringify(a)).join(' or ')}`);
  };
}

export function integer(min: number, max: number): Check {
  return (value, at, report) => {
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max)
      report(at, `is an integer from ${min} to ${max}`);
  };
}

export function number(min: number, max: number): Check {
  return (value, at, report) => {
    if (typeof value !== 'number' || value < min || value > max)
      report(
        at,
        max === Number.POSITIVE_INFINITY ? `is a number, at least ${min}` : `is a number from ${min} to ${max}`,
      );
  };
}

/** Only JSONPath documents are in the profile. */
export const queryLanguage: Check = (value, at, report) => {
  if (value !== 'JSONPath') report(at, `${JSON.stringify(value)} is outside the profile: only JSONPath`);
};

export const path: Check = (value, at, report) => {
  if (typeof value !== 'string') {
    report(at, 'is a path');
    return;
  }
  try {
    parsePath(value);
  } catch (cause) {
    report(at, (cause as Error).message);
  }
};

export const pathOrNull: Check = (value, at, report) => {
  if (value !== null) path(value, at, report);
};

/** A path or an intrinsic call. */
export const pathOrCall: Check = (value, at, report) => {
  for (const fault of faultsOfTemplate({ '.$': value as Json })) report(at, fault.message);
};

export const referencePath: Check = (value, at, report) => {
  if (typeof value !== 'string') report(at, 'is a reference path');
  else if (!isReferencePath(value)) report(at, `'${value}' is no reference path: it has names and indexes only`);
};

/** Where a result goes: into the input, never into the context object. */
export const resultPath: Check = (value, at, report) => {
  if (value === null) return;
  referencePath(value, at, report);
  if (typeof value === 'string' && value.startsWith('$$')) report(at, 'cannot write into the context object');
};

export const template: Check = (value, at, report) => {
  if (!isObject(value)) {
    report(at, 'is an object');
    return;
  }
  for (const fault of faultsOfTemplate(value as Json)) report(`${at}${fault.at}`, fault.message);
};

export const timestamp: Check = (value, at, report) => {
  if (typeof value !== 'string' || !parseTimestamp(value)) report(at, 'is a timestamp as 2026-01-31T08:00:00Z');
};

/** The fields of `value` by a table: unknown ones are found, and known ones checked. `hints` say what to write in place of an unknown one. */
export function checkFields(
  value: Fields,
  at: string,
  table: Record<string, Check>,
  report: Report,
  hints: Record<string, string> = {},
): void {
  for (const [name, part] of Object.entries(value)) {
    const check = Object.hasOwn(table, name) ? table[name] : undefined;
    if (check) check(part, member(at, name), report);
    else report(member(at, name), `unknown field${Object.hasOwn(hints, name) ? `: ${hints[name]}` : ''}`);
  }
}

export function needs(value: Fields, at: string, report: Report, ...names: string[]): void {
  for (const name of names) if (!Object.hasOwn(value, name)) report(at, `needs ${name}`);
}

/** Of `names` one is there; none only when `optional`. */
export function oneField(value: Fields, at: string, report: Report, names: string[], optional = false): void {
  const there = names.filter((n) => Object.hasOwn(value, n));
  if (there.length > 1) report(at, `has ${there.join(' and ')}: only one is allowed`);
  else if (there.length === 0 && !optional) report(at, `needs ${names.join(' or ')}`);
}

/** As `needs`, within a template: `Name` or `Name.$`. */
export function needsParameter(value: unknown, at: string, report: Report, ...names: string[]): void {
  const fields = isObject(value) ? value : {};
  for (const name of names) {
    if (!Object.hasOwn(fields, name) && !Object.hasOwn(fields, `${name}.$`)) report(at, `needs ${name}`);
    else if (fields[name] === '') report(member(at, name), 'is empty');
  }
}

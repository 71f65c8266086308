/** What is wrong with a JSON record, as a reject. */
import { isUtf8 } from 'node:buffer';
import { printable } from '../lib/lines.ts';
import { notUtf8 } from '../lib/rejects.ts';
import type { Reject } from '../lib/row-writer.ts';
import { JsonSyntaxError } from './spans.ts';

class NotUtf8Error extends Error {}
class NotAnObjectError extends Error {}

export function requireUtf8(record: Uint8Array): void {
  if (!isUtf8(record)) throw new NotUtf8Error();
}

/** Checks that a record begins as an object does; the parser checks the rest. */
export function requireObject(bytes: Uint8Array, start: number, end: number): void {
  let i = start;
  while (i < end && (bytes[i] === 0x20 || bytes[i] === 0x09 || bytes[i] === 0x0a || bytes[i] === 0x0d)) i++;
  if (i === end || bytes[i] !== 0x7b) throw new NotAnObjectError();
}

/** The reject that an error of parsing a record makes; other errors are thrown on. */
export function jsonRejectOf(error: unknown, line: number, record: Uint8Array): Reject {
  if (error instanceof NotUtf8Error) return notUtf8(line, record);
  if (error instanceof NotAnObjectError)
    return { line, rule: 'structure', reason: 'not a JSON object', raw: printable(record) };
  if (error instanceof JsonSyntaxError) {
    const reason = `not valid JSON: ${error.message}, at character ${error.offset + 1}`;
    return { line, rule: 'structure', reason, raw: printable(record) };
  }
  throw error;
}

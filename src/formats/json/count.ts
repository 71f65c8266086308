/** How many rows a JSON document makes, found with JavaScript's own JSON parser: the independent side of the books. */
import { isUtf8 } from 'node:buffer';
import type { PathStep } from './paths.ts';

/**
 * Elements at `records` in the document, as the reader must find them. A text that is not JSON, or not UTF-8, counts as the one record
 * that will be rejected for it.
 */
export function countRecords(document: Uint8Array, records: readonly PathStep[], needsObject: boolean): number {
  if (!isUtf8(document)) return 1;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(document.buffer, document.byteOffset, document.byteLength).toString('utf8'));
  } catch {
    return 1;
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return needsObject && !isObject ? 1 : countAt(value, records);
}

/** Elements at `steps` below a value. What stands alone in place of an array counts as one element; what is missing as none. */
function countAt(value: unknown, steps: readonly PathStep[]): number {
  const [step, ...rest] = steps;
  if (step === undefined) return 1;
  if (step === 'each') {
    if (value === null || value === undefined) return 0;
    if (!Array.isArray(value)) return countAt(value, rest);
    return rest.length === 0 ? value.length : value.reduce<number>((n, v) => n + countAt(v, rest), 0);
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject && Object.hasOwn(value, step.key)
    ? countAt((value as Record<string, unknown>)[step.key], rest)
    : countAt(undefined, rest);
}

/** Rejects that several formats have in common. */
import { formatBytes } from '../../lib/units.ts';
import { MAX_RECORD_BYTES, printable, TOO_LONG_KEPT_BYTES } from './lines.ts';
import type { Reject } from './row-writer.ts';

/** `head`: the first bytes of the record. */
export function tooLong(line: number, head: Uint8Array): Reject {
  const kept = head.subarray(0, TOO_LONG_KEPT_BYTES);
  return {
    line,
    rule: 'too_long',
    reason: `longer than ${formatBytes(MAX_RECORD_BYTES)}; the raw text is its beginning`,
    raw: printable(kept),
  };
}

export function notUtf8(line: number, bytes: Uint8Array): Reject {
  return { line, rule: 'encoding', reason: 'bytes that are not valid UTF-8', raw: printable(bytes) };
}

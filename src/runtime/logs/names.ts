/** Where log lines are: the current file, files of the past beside it, and their copies in the object store. */

export const CURRENT = 'granary.jsonl';
/** Of the object store. */
export const ARCHIVE = 'logs/';

const PAST = /^granary-((\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-\d{3})\.jsonl(\.zst)?$/;

export interface PastFile {
  name: string;
  /** Sorts by the time of the first line. */
  stamp: string;
  compressed: boolean;
  /** Milliseconds: when it was begun. */
  begun: number;
}

/** A file of the past by its name; undefined for anything else. */
export function pastFile(name: string): PastFile | undefined {
  const m = PAST.exec(name);
  if (!m) return undefined;
  const [, stamp, year, month, day, hour, minute, second, ms, zst] = m;
  const begun = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
  return { name, stamp: stamp!, compressed: zst !== undefined, begun };
}

/** `begun`: ISO 8601; `n` tells files that were begun in the same millisecond apart. */
export function pastName(begun: string, n: number): string {
  return `granary-${begun.replaceAll(/[-:.]/g, '')}-${String(n).padStart(3, '0')}.jsonl`;
}

/** Key of the copy of a compressed file: `logs/2026-11-25/granary-….jsonl.zst`. */
export function archiveKey(file: PastFile): string {
  return `${ARCHIVE}${new Date(file.begun).toISOString().slice(0, 10)}/${file.name}`;
}

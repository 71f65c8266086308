/** What a run told while it went, gathered for its summary. */
import type { SerializedError } from '../lib/errors.ts';
import type { ObjectDoc, Reason } from '../model/objects.ts';
import type { RunEvent } from '../runtime/run.ts';

export interface RunLog {
  landed: { files: number; bytes: number; resumed: number };
  /** Objects that take the place of an earlier version of the same file. */
  resent: ObjectDoc[];
  duplicates: { object: ObjectDoc; records: number }[];
  quarantined: { object: ObjectDoc; reasons: Reason[] }[];
  /** Files that are not complete yet. `more`: those that are not listed. */
  waiting: { files: { source: string; path: string; reason: string }[]; more: number };
  /** Files that no dataset takes. */
  unclaimed: { files: { source: string; path: string }[]; more: number };
  failed: { what: string; object?: string; error: SerializedError }[];
}

export function emptyLog(): RunLog {
  return {
    landed: { files: 0, bytes: 0, resumed: 0 },
    resent: [],
    duplicates: [],
    quarantined: [],
    waiting: { files: [], more: 0 },
    unclaimed: { files: [], more: 0 },
    failed: [],
  };
}

/** Adds an event to the log. */
export function record(log: RunLog, event: RunEvent): void {
  switch (event.type) {
    case 'polled': {
      const { waiting, waitingCount, unclaimed, unclaimedCount } = event.output;
      log.waiting.files.push(...waiting.map((w) => ({ source: event.source, ...w })));
      log.waiting.more += waitingCount - waiting.length;
      log.unclaimed.files.push(...unclaimed.map((path) => ({ source: event.source, path })));
      log.unclaimed.more += unclaimedCount - unclaimed.length;
      return;
    }
    case 'landed':
      if (event.output.outcome === 'unchanged') return;
      log.landed.files++;
      log.landed.bytes += event.output.bytes;
      if (event.output.resumedAt > 0) log.landed.resumed++;
      return;
    case 'loaded':
      if (event.object.supersedes !== null && !log.resent.some((o) => o.id === event.object.id))
        log.resent.push(event.object);
      return;
    case 'duplicate':
      log.duplicates.push({ object: event.object, records: event.records });
      return;
    case 'quarantined':
      log.quarantined.push({ object: event.object, reasons: event.reasons });
      return;
    case 'failed':
      log.failed.push({
        what: event.what,
        error: event.error,
        ...(event.object !== undefined && { object: event.object }),
      });
      return;
    default:
      return;
  }
}

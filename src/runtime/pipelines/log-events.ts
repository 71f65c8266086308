/** What a run tells, as lines of the log. */
import type { Log } from '../../lib/log.ts';
import { formatBytes, plural } from '../../lib/units.ts';
import type { RunEvent } from './run-events.ts';

export function logRunEvent(log: Log, run: string, event: RunEvent): void {
  switch (event.type) {
    case 'landed':
      if (event.output.outcome === 'unchanged') return;
      log('info', `landed ${event.path}, ${formatBytes(event.output.bytes)}`, {
        run,
        step: 'land',
        source: event.source,
        object: event.output.object,
      });
      return;
    case 'loaded':
      log(
        'info',
        `loaded ${event.object.file}: ${plural(event.curated.received, 'row')} received, ${event.output.loaded} loaded, ${event.curated.rejected} rejected`,
        { run, step: 'load', dataset: event.dataset, object: event.object.id },
      );
      return;
    case 'quarantined':
      log('warn', `quarantined ${event.object.file}: ${event.reasons.map((r) => r.message).join(' ')}`, {
        run,
        step: 'verify',
        dataset: event.object.dataset,
        object: event.object.id,
        code: event.reasons[0]?.code,
      });
      return;
    case 'duplicate':
      log('info', `${event.object.file} has the bytes of an earlier file`, {
        run,
        step: 'verify',
        dataset: event.object.dataset,
        object: event.object.id,
      });
      return;
    case 'retry':
      log('warn', `${event.what} is tried again: ${event.error.message}`, {
        run,
        step: event.what,
        attempt: event.attempt,
        code: event.error.code,
      });
      return;
    case 'failed':
      log('error', `${event.what} gave up: ${event.error.message}`, {
        run,
        object: event.object,
        code: event.error.code,
      });
      return;
    default:
      return;
  }
}

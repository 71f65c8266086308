/** Events about objects. Pure. */
import type { EventDoc, EventType } from '../model/events.ts';
import type { ObjectDoc } from '../model/objects.ts';

/** One event of this type per object. */
export function objectEvent(type: EventType, object: ObjectDoc, at: string, data: Record<string, unknown>): EventDoc {
  const [tenant, source, dataset] = object.dataset.split('/') as [string, string, string];
  return {
    id: `${type}|${object.id}`,
    type,
    subject: object.dataset,
    tenant,
    at,
    data: { object: object.id, file: object.file, source, dataset, businessDate: object.businessDate, ...data },
  };
}

/** One event per object and run: an object that is released or replayed may fail again. */
export function quarantineEvent(object: ObjectDoc, run: string, at: string): EventDoc {
  const event = objectEvent('object.quarantined', object, at, {
    run,
    bytes: object.bytes,
    reasons: object.reasons.slice(0, 10),
  });
  return { ...event, id: `${event.id}|${run}` };
}

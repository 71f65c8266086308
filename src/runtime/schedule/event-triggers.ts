/** Events that start pipelines (`on:` of a schedule), and ends of runs, which let what waits behind them start. */
import type { EventDoc, EventType } from '../../model/events.ts';
import type { EventTrigger, Pipeline } from '../../project/pipelines.ts';
import type { EventDispatcher } from '../events/dispatcher.ts';
import { runIdOfEvent } from './run-ids.ts';
import { inputOf, type Scheduler } from './scheduler.ts';

const ENDS: readonly EventType[] = ['run.succeeded', 'run.failed', 'run.interrupted'];

export interface EventTriggerOptions {
  dispatcher: EventDispatcher;
  scheduler: Scheduler;
  pipelines: readonly Pipeline[];
}

/**
 * Subscribes; call it before the dispatcher starts. A run's id follows from the event and the pipeline, so an event that is given out
 * twice starts one run.
 */
export function subscribeTriggers({ dispatcher, scheduler, pipelines }: EventTriggerOptions): void {
  dispatcher.subscribe('triggers', async (event) => {
    for (const pipeline of pipelines)
      if (pipeline.schedule.enabled && pipeline.on.some((trigger) => matches(trigger, event)))
        await scheduler.fire({
          id: runIdOfEvent(pipeline.name, event),
          pipeline: pipeline.name,
          trigger: 'event',
          reason: `${event.type} of ${event.subject}.`,
          input: inputOf(pipeline, 'event', { event: { id: event.id, type: event.type, subject: event.subject } }),
        });
  });
  dispatcher.subscribe('queues', async (event) => {
    if (ENDS.includes(event.type)) await scheduler.ended(event.subject);
  });
}

export function matches(trigger: EventTrigger, event: Pick<EventDoc, 'type' | 'subject'>): boolean {
  return trigger.event === event.type && (trigger.subject === undefined || trigger.subject === event.subject);
}

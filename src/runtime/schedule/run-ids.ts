/** Run ids that are derived from what makes a pipeline due: asked for twice, it is the same run. They sort by time, as all run ids do. */
import { idOf } from '../../lib/hash.ts';

const stamp = (instant: number) => new Date(instant).toISOString().replaceAll(/[-:]|\.\d+/g, '');

export function runIdOfTime(pipeline: string, due: number): string {
  return `${stamp(due)}-${idOf('schedule', pipeline, due).slice(0, 10)}`;
}

/** `at` as the event has it. */
export function runIdOfEvent(pipeline: string, event: { id: string; at: string }): string {
  return `${stamp(Date.parse(event.at))}-${idOf('event', pipeline, event.id).slice(0, 10)}`;
}

/** `number` tells apart what happens in the same millisecond. */
export function runIdOfArrival(pipeline: string, at: number, number: number): string {
  return `${stamp(at)}-${idOf('arrival', pipeline, at, number).slice(0, 10)}`;
}

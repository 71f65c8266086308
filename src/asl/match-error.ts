/** Which errors a Retry or Catch takes. */

/** Errors that no wildcard takes. */
const TERMINAL = new Set(['States.Runtime', 'States.DataLimitExceeded']);

/**
 * Whether `ErrorEquals` (`names`) takes `error`, raised by a state of type `stateType`. A name takes its equal. `States.ALL` takes all but
 * `States.DataLimitExceeded` and `States.Runtime`; `States.TaskFailed`, in a Task, all but these and `States.Timeout`; `States.Timeout` also
 * takes `States.HeartbeatTimeout`.
 */
export function matchesError(names: string[], error: string, stateType: string): boolean {
  for (const name of names) {
    if (name === error) return true;
    if (name === 'States.ALL' && !TERMINAL.has(error)) return true;
    if (name === 'States.TaskFailed' && stateType === 'Task' && error !== 'States.Timeout' && !TERMINAL.has(error))
      return true;
    if (name === 'States.Timeout' && error === 'States.HeartbeatTimeout') return true;
  }
  return false;
}

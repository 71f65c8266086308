/** Draws a machine as text for a terminal. */
import type { Machine } from './types.ts';

/** Lines of at most 100 columns. */
export function drawMachine(machine: Machine): string[] {
  return Object.entries(machine.States).map(([name, state]) => `${name} (${state.Type})`);
}

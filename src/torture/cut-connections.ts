/**
 * Loaded before the program of a tortured process (`node --import`): resets every TCP connection at random moments, as a network that
 * fails would. `GRANARY_TORTURE_CUTS`: mean milliseconds between two cuts, and a seed: `700:42`.
 */
import { Socket } from 'node:net';

/** Not in the types of Node: what keeps the event loop alive. */
interface Handles {
  _getActiveHandles(): unknown[];
}

const [mean = 1000, seed = 1] = (process.env['GRANARY_TORTURE_CUTS'] ?? '').split(':').map(Number);
let state = seed >>> 0;
const random = () => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return state / 2 ** 32;
};

function cutAll(): void {
  for (const handle of (process as unknown as Handles)._getActiveHandles())
    if (handle instanceof Socket && handle.remotePort !== undefined) handle.resetAndDestroy();
  again();
}

function again(): void {
  setTimeout(cutAll, 20 + random() * 2 * mean).unref();
}

again();

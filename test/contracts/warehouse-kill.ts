/** What the kill test and the process that it kills agree on. */
import { join } from 'node:path';

export const KILL_TEST = { kills: 12, objects: 8, rows: 20_000, keyStep: 5_000 };

/** Sorts by round, then by number. */
export const mergeObject = (object: number, round: number): string =>
  `round-${String(round).padStart(3, '0')}-object-${object}`;

export const warehouseOptions = (folder: string) => ({
  path: join(folder, 'warehouse.duckdb'),
  memoryLimit: 500e6,
  threads: 2,
  scratch: join(folder, 'scratch'),
  folders: [folder],
});

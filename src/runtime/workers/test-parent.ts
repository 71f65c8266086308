/** A process with a pool whose worker is busy, for a test that kills it: `node test-parent.ts <stage>`. Prints the worker's id. */
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../adapters/clock/system.ts';
import { WorkerPool } from './pool.ts';

const limits = { count: 1, engine: { memory: 1e8, threads: 1 }, timeoutSeconds: 60, maxResidentBytes: 1e9 };
const pool = new WorkerPool({
  dir: '',
  environment: undefined,
  logLevel: 'info',
  classes: { short: limits, long: limits },
  clock: systemClock,
  entry: fileURLToPath(new URL('./test-entry.ts', import.meta.url)),
});
const pid = await pool.run<number>('pid', null);
void pool.run(process.argv[2]!, 60);
process.stdout.write(`${pid}\n`);

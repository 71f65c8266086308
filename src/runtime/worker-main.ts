/** Entry of a worker process; see `worker.ts`. */
import { serveTasks } from './worker.ts';

process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => undefined);
await serveTasks();

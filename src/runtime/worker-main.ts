/** Entry of a worker process; see `worker.ts`. */
import { serveTasks } from './worker.ts';

// Nothing it has half done is seen by anyone: it can stop at once.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('SIGINT', () => undefined);
await serveTasks();

/** Entry of a worker process; see `worker.ts`. */
import { enableCompileCache } from 'node:module';

enableCompileCache();
// Nothing it has half done is seen by anyone: it can stop at once.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('SIGINT', () => undefined);
const { serveTasks } = await import('./worker.ts');
await serveTasks();

/** Entry of a worker process; see `serve.ts`. */
import { enableCompileCache } from 'node:module';
import { dieWithParent, leaveSignalsToParent } from './lifeline.ts';

enableCompileCache();
dieWithParent();
leaveSignalsToParent();
const { serveStages } = await import('./stages.ts');
await serveStages();

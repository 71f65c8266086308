/** Runs a project once, as a process of its own that can be killed: `node run-child.ts <dir>`. */

import { run } from '../../src/runtime/run.ts';
import { openRuntime } from '../../src/runtime/runtime.ts';

const runtime = await openRuntime({ dir: process.argv[2]!, command: 'test', waitSeconds: 20 });
const doc = await run(runtime, { command: 'test' });
await runtime.close();
if (doc.status !== 'succeeded') {
  process.stderr.write(`${JSON.stringify(doc.errors)}\n`);
  process.exitCode = 1;
}

/** `granary redrive`. */
import { findBooks } from '../../runtime/books.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { ownerOf, withRuntime } from '../open.ts';
import { followAndTell } from '../processing.ts';
import { emptyLog } from '../run-log.ts';
import { printSummary, summaryDocument } from '../run-summary.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const id = call.arguments[0]!;
  const owner = await ownerOf(call);
  if (owner) {
    await owner.post(`/v1/runs/${encodeURIComponent(id)}/redrive`);
    return followAndTell(call, owner, id, []);
  }
  return withRuntime(call, async (runtime) => {
    const pipelines = await runtime.pipelines();
    await pipelines.orchestrator.redrive(id);
    const run = await pipelines.finish(id, call.signal);
    const summary = { run, log: emptyLog(), books: await findBooks({ run: id }, runtime.context) };
    terminal.document(summaryDocument(summary));
    printSummary(summary, terminal);
    return run.status === 'succeeded' ? EXIT.ok : run.status === 'interrupted' ? EXIT.interrupted : EXIT.failed;
  });
}

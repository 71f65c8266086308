/** A run on the terminal: lines and bars while it goes, the summary after it, and the exit code. What `run`, `replay` and `release` share. */
import { findBooks } from '../runtime/books.ts';
import { type RunRequest, run } from '../runtime/run.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type Call, EXIT, type ExitCode } from './command.ts';
import { eventLine } from './run-lines.ts';
import { emptyLog, record } from './run-log.ts';
import { printSummary, summaryDocument } from './run-summary.ts';

export interface ProcessingRequest extends Pick<RunRequest, 'sources' | 'skipCollect'> {
  /** `rejects` and `quarantine`: what makes the exit code 4. */
  failOn: readonly string[];
}

export async function processAndTell(call: Call, runtime: Runtime, request: ProcessingRequest): Promise<ExitCode> {
  const { terminal } = call;
  const log = emptyLog();
  const doc = await run(runtime, {
    command: call.line,
    ...(request.sources && { sources: request.sources }),
    ...(request.skipCollect && { skipCollect: true }),
    signal: call.signal,
    onEvent(event) {
      // What was stopped by request has not failed.
      if (event.type === 'failed' && event.error.code === 'cancelled') return;
      record(log, event);
      if ('object' in event && typeof event.object === 'object') terminal.bars.finish(event.object.file);
      if (event.type === 'failed') terminal.bars.finish(event.what);
      const line = eventLine(event, terminal.style);
      if (line !== undefined) terminal.line(line);
    },
  });
  terminal.bars.clear();
  const books = await findBooks({ run: doc.id }, runtime.context);
  const summary = { run: doc, log, books };
  terminal.document(summaryDocument(summary));
  printSummary(summary, terminal);
  if (doc.status === 'interrupted') return EXIT.interrupted;
  if (doc.status === 'failed') return EXIT.failed;
  const refused =
    (request.failOn.includes('rejects') && doc.totals.rejected > 0) ||
    (request.failOn.includes('quarantine') && doc.quarantined > 0);
  return refused ? EXIT.refused : EXIT.ok;
}

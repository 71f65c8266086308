/** A run on the terminal: lines and bars while it goes, the summary after it, and the exit code. What `run`, `replay` and `release` share. */
import { GranaryError } from '../lib/errors.ts';
import type { BooksDoc } from '../model/books.ts';
import type { RunDoc } from '../model/runs.ts';
import { findBooks } from '../runtime/books.ts';
import type { PipelineStatus } from '../runtime/operations.ts';
import { type RunEvent, type RunRequest, run } from '../runtime/run.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type Call, EXIT, type ExitCode } from './command.ts';
import type { OwnerClient } from './owner-client.ts';
import { eventLine } from './run-lines.ts';
import { emptyLog, record } from './run-log.ts';
import { printSummary, summaryDocument } from './run-summary.ts';

export interface ProcessingRequest
  extends Pick<RunRequest, 'pipeline' | 'sources' | 'skipCollect' | 'parameters' | 'only'> {
  /** `rejects` and `quarantine`: what makes the exit code 4. */
  failOn: readonly string[];
}

/** In this process, which owns the data directory. */
export async function processAndTell(call: Call, runtime: Runtime, request: ProcessingRequest): Promise<ExitCode> {
  const teller = new RunTeller(call, request.failOn);
  const { failOn: _, ...what } = request;
  const doc = await run(runtime, {
    ...what,
    command: call.line,
    signal: call.signal,
    onEvent: (event) => teller.tell(event),
  });
  return teller.end(doc, await findBooks({ run: doc.id }, runtime.context));
}

/** In the owner that runs already. Who stops the command stops the run, as if it were here. */
export async function followAndTell(
  call: Call,
  owner: OwnerClient,
  id: string,
  failOn: readonly string[],
): Promise<ExitCode> {
  const teller = new RunTeller(call, failOn);
  await noteIfPaused(call, owner, id);
  const doc = await ended(call, owner, id, teller);
  return teller.end(doc, await owner.get<BooksDoc[]>('/v1/books', { run: id }));
}

/** A run of a paused pipeline waits, and who started it would wonder. */
async function noteIfPaused({ terminal }: Call, owner: OwnerClient, id: string): Promise<void> {
  const paused = (await owner.get<PipelineStatus[]>('/v1/pipelines')).filter((p) => p.paused && p.running.includes(id));
  for (const { name } of paused) terminal.note(`${name} is paused: the run waits until \`granary resume ${name}\`.`);
}

async function ended(call: Call, owner: OwnerClient, id: string, teller: RunTeller): Promise<RunDoc> {
  let last: RunDoc | undefined;
  try {
    for await (const { event } of owner.follow(id, call.signal)) {
      if (event.type === 'ended') last = event.run;
      else teller.tell(event);
    }
  } catch (e) {
    const gone = e instanceof GranaryError && e.code === 'api.unreachable';
    if (!call.signal.aborted && !gone) throw e;
  }
  if (call.signal.aborted) return owner.post<RunDoc>(`/v1/runs/${encodeURIComponent(id)}/cancel`);
  if (last) return last;
  throw new GranaryError('api.unreachable', `The owner ended before the run ${id}.`, {
    transient: true,
    hint: `The run goes on when it is started again: \`granary runs show ${id}\`.`,
  });
}

/** Tells of one run. */
class RunTeller {
  readonly #call: Call;
  readonly #failOn: readonly string[];
  readonly #log = emptyLog();

  constructor(call: Call, failOn: readonly string[]) {
    this.#call = call;
    this.#failOn = failOn;
  }

  tell(event: RunEvent): void {
    const { terminal } = this.#call;
    // What was stopped by request has not failed.
    if (event.type === 'failed' && event.error.code === 'cancelled') return;
    record(this.#log, event);
    if ('object' in event && typeof event.object === 'object') terminal.bars.finish(event.object.file);
    if (event.type === 'failed') terminal.bars.finish(event.what);
    const line = eventLine(event, terminal.style);
    if (line !== undefined) terminal.line(line);
  }

  end(doc: RunDoc, books: BooksDoc[]): ExitCode {
    const { terminal } = this.#call;
    terminal.bars.clear();
    const summary = { run: doc, log: this.#log, books };
    terminal.document(summaryDocument(summary));
    printSummary(summary, terminal);
    if (doc.status === 'interrupted') return EXIT.interrupted;
    if (doc.status === 'failed') return EXIT.failed;
    const refused =
      (this.#failOn.includes('rejects') && doc.totals.rejected > 0) ||
      (this.#failOn.includes('quarantine') && doc.quarantined > 0);
    return refused ? EXIT.refused : EXIT.ok;
  }
}

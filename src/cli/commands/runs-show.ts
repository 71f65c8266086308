/** `granary runs show`. */
import { GranaryError } from '../../lib/errors.ts';
import type { BooksDoc } from '../../model/books.ts';
import { RUNS } from '../../model/runs.ts';
import type { HistoryEvent } from '../../ports/orchestrator.ts';
import { findBooks } from '../../runtime/books.ts';
import { findRuns } from '../../runtime/inventory.ts';
import type { RunDetail } from '../../runtime/operations.ts';
import { plain } from '../../stages/verify/verify.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { ownerOf, withState } from '../open.ts';
import { runLines } from '../run-tree.ts';

interface Shown {
  detail: RunDetail;
  /** Empty without an owner: the history is its own. */
  history: HistoryEvent[];
  books: BooksDoc[];
}

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const shown = await find(call);
  terminal.document({ ...shown.detail, history: shown.history, books: shown.books });
  terminal.lines(runLines(shown.detail, shown.history, shown.books, terminal.style));
  return EXIT.ok;
}

async function find(call: Call): Promise<Shown> {
  const asked = call.arguments[0] ?? 'last';
  const owner = await ownerOf(call);
  if (!owner)
    return withState(call, async (context) => {
      const id = asked === 'last' ? ((await findRuns(1, context))[0]?.id ?? asked) : asked;
      const run = await context.state.get(RUNS, id);
      if (!run)
        throw new GranaryError('run.not_found', `There is no run ${id}.`, { hint: '`granary runs` lists them.' });
      const books = await findBooks({ run: id }, context);
      return { detail: { run: plain(run), execution: null, steps: [] }, history: [], books };
    });
  const id = asked === 'last' ? ((await owner.get<{ id: string }[]>('/v1/runs', { limit: 1 }))[0]?.id ?? asked) : asked;
  const path = `/v1/runs/${encodeURIComponent(id)}`;
  const detail = await owner.get<RunDetail>(path);
  const history = await owner.get<HistoryEvent[]>(`${path}/history`, { limit: 10_000 });
  return { detail, history, books: await owner.get<BooksDoc[]>('/v1/books', { run: id }) };
}

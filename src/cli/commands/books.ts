/** `granary books`: sums by dataset; single entries when a run, an object or what is off is asked for. */
import { formatCount } from '../../lib/units.ts';
import { type BooksDoc, difference } from '../../model/books.ts';
import { findBooks, isOff, sumByDataset } from '../../runtime/books.ts';
import { checkDatasets, shortName } from '../../runtime/names.ts';
import { findObject } from '../../runtime/replay.ts';
import { BOOK_COLUMNS, bookCells, booksTable } from '../books-table.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { withState } from '../open.ts';
import { SHORT_ID } from '../run-summary.ts';
import type { Terminal } from '../terminal/terminal.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal, options } = call;
  const datasets = options.list('dataset');
  const run = options.text('run');
  const wanted = options.text('object');
  const unbalanced = options.on('unbalanced');
  const entries = await withState(call, async (context, project) => {
    checkDatasets(datasets, project);
    const object = wanted === undefined ? undefined : (await findObject(wanted, context)).id;
    return findBooks(
      {
        datasets,
        unbalanced,
        all: options.on('all'),
        ...(run !== undefined && { run }),
        ...(object !== undefined && { object }),
      },
      context,
    );
  });
  terminal.document(entries.map((e) => ({ ...e, dataset: shortName(e.dataset), balanced: difference(e) === 0 })));
  if (entries.length === 0)
    terminal.line(unbalanced ? 'Everything balances, and is what the senders declared.' : 'There are no entries.');
  else if (run === undefined && wanted === undefined && !unbalanced) booksTable(sumByDataset(entries), terminal);
  else printEntries(entries, terminal);
  return unbalanced && entries.length > 0 ? EXIT.failed : EXIT.ok;
}

function printEntries(entries: readonly BooksDoc[], terminal: Terminal): void {
  const { style } = terminal;
  terminal.table(
    [
      { title: 'object' },
      { title: 'dataset' },
      { title: 'file', flexible: true },
      { title: 'declared', align: 'right' },
      ...BOOK_COLUMNS,
    ],
    entries.map((e) => {
      const declared = e.declaredRows === null ? '' : formatCount(e.declaredRows);
      return [
        e.object.slice(0, SHORT_ID),
        shortName(e.dataset),
        e.file,
        isOff(e) ? { text: declared, paint: style.red } : declared,
        ...bookCells(e, style),
      ];
    }),
  );
  const rules = sumByDataset(entries).flatMap((d) =>
    Object.entries(d.byRule).map(([rule, r]) => ({ dataset: shortName(d.dataset), rule, ...r })),
  );
  if (rules.length === 0) return;
  terminal.heading('By rule');
  terminal.table(
    [{ title: 'rows', align: 'right' }, { title: 'rule' }, { title: 'dataset' }, { title: 'severity' }],
    rules.sort((a, b) => b.rows - a.rows).map((r) => [formatCount(r.rows), r.rule, r.dataset, r.severity]),
    2,
  );
}

/** `granary dlq list`. */
import type { DeadLetterStatus } from '../../model/dead-letters.ts';
import { findDeadLetters } from '../../runtime/dead-letters.ts';
import { checkDatasets, shortName } from '../../runtime/names.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { withState } from '../open.ts';
import { SHORT_ID } from '../run-summary.ts';
import { visible } from '../terminal/style.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal, options } = call;
  const { style } = terminal;
  const datasets = options.list('dataset');
  const statuses = options.list('status') as DeadLetterStatus[];
  const error = options.text('error');
  const limit = options.count('limit');
  const letters = await withState(call, (context, project) => {
    checkDatasets(datasets, project);
    return findDeadLetters(
      {
        datasets,
        ...(statuses.length > 0 && { statuses }),
        ...(error !== undefined && { error }),
        ...(limit !== undefined && { limit }),
      },
      context,
    );
  });
  terminal.document(letters);
  if (letters.length === 0) {
    terminal.line('There are no dead letters.');
    return EXIT.ok;
  }
  const paint = { open: style.red, replaying: style.cyan, resolved: style.green, discarded: style.dim };
  terminal.table(
    [
      { title: 'dead letter' },
      { title: 'status' },
      { title: 'since' },
      { title: 'dataset' },
      { title: 'gave up in' },
      { title: 'what', flexible: true },
      { title: 'why', flexible: true },
    ],
    letters.map((d) => [
      d.id.slice(0, SHORT_ID),
      { text: d.status, paint: paint[d.status] },
      d.openedAt.slice(0, 16).replace('T', ' '),
      d.dataset === '' ? d.source || d.pipeline : shortName(d.dataset),
      d.state,
      visible(d.name),
      visible(d.reason),
    ]),
  );
  const id = letters[0]!.id.slice(0, SHORT_ID);
  terminal.line();
  terminal.line(`${style.dim('look at one      ')} granary dlq show ${id}`);
  terminal.line(`${style.dim('try again        ')} granary dlq replay ${id}      ${style.dim('or')} --all`);
  terminal.line(`${style.dim('leave it for good')} granary dlq discard ${id} --reason "…"`);
  return EXIT.ok;
}

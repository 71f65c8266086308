/** `granary objects`. */
import { formatBytes, formatCount } from '../../lib/units.ts';
import type { ObjectDoc, ObjectStatus } from '../../model/objects.ts';
import { findObjects } from '../../runtime/inventory.ts';
import { checkDatasets, shortName } from '../../runtime/names.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { withState } from '../open.ts';
import { SHORT_ID } from '../run-summary.ts';
import type { Style } from '../terminal/style.ts';

const LIMIT = 50;

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal, options } = call;
  const datasets = options.list('dataset');
  const found = await withState(call, (context, project) => {
    checkDatasets(datasets, project);
    return findObjects({ datasets, statuses: options.list('status') }, context);
  });
  const shown = found.slice(0, options.count('limit') ?? LIMIT);
  terminal.document(shown);
  if (found.length === 0) terminal.line('There are no such objects.');
  else {
    terminal.table(
      [
        { title: 'object' },
        { title: 'dataset' },
        { title: 'file', flexible: true },
        { title: 'version', align: 'right' },
        { title: 'bytes', align: 'right' },
        { title: 'landed' },
        { title: 'status' },
      ],
      shown.map((o) => [
        o.id.slice(0, SHORT_ID),
        shortName(o.dataset),
        o.file,
        String(o.version),
        formatBytes(o.bytes),
        o.landedAt.slice(0, 19).replace('T', ' '),
        { text: statusText(o), paint: paintOf(o.status, terminal.style) },
      ]),
    );
    if (found.length > shown.length)
      terminal.line(
        terminal.style.dim(`and ${formatCount(found.length - shown.length)} older: --limit ${found.length}`),
      );
  }
  return EXIT.ok;
}

function statusText(object: ObjectDoc): string {
  return object.status === 'quarantined'
    ? `quarantined: ${object.reasons.map((r) => r.code).join(', ')}`
    : object.status;
}

function paintOf(status: ObjectStatus, style: Style): (text: string) => string {
  if (status === 'loaded') return style.green;
  return status === 'quarantined' ? style.yellow : style.dim;
}

/** `granary quarantine list`. */
import { formatBytes } from '../../lib/units.ts';
import { findObjects } from '../../runtime/inventory.ts';
import { checkDatasets, shortName } from '../../runtime/names.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { withState } from '../open.ts';
import { SHORT_ID } from '../run-summary.ts';
import { visible } from '../terminal/style.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const datasets = call.options.list('dataset');
  const held = await withState(call, (context, project) => {
    checkDatasets(datasets, project);
    return findObjects({ datasets, statuses: ['quarantined'] }, context);
  });
  terminal.document(held);
  if (held.length === 0) terminal.line('Nothing is in quarantine.');
  for (const o of held) {
    terminal.line(
      `${terminal.style.yellow(o.id.slice(0, SHORT_ID))}  ${shortName(o.dataset)}  ${visible(o.file)}  ${formatBytes(o.bytes)}  ${terminal.style.dim(`landed ${o.landedAt}`)}`,
    );
    for (const r of o.reasons) terminal.line(`    ${terminal.style.dim(r.code)}  ${visible(r.message)}`);
  }
  if (held.length > 0) {
    const id = held[0]!.id.slice(0, SHORT_ID);
    terminal.line();
    terminal.line(`${terminal.style.dim('look at one        ')} granary quarantine show ${id} --to file`);
    terminal.line(`${terminal.style.dim('after a fix        ')} granary replay --quarantined`);
    terminal.line(`${terminal.style.dim('load one as it is  ')} granary quarantine release ${id}`);
  }
  return EXIT.ok;
}

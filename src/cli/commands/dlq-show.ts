/** `granary dlq show`. */
import { formatBytes } from '../../lib/units.ts';
import type { DeadLetterDoc } from '../../model/dead-letters.ts';
import { findDeadLetters } from '../../runtime/dead-letters.ts';
import { shortName } from '../../runtime/names.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { withState } from '../open.ts';
import { type Style, visible } from '../terminal/style.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const [letter] = await withState(call, (context) => findDeadLetters({ ids: call.arguments }, context));
  terminal.document(letter);
  terminal.lines(linesOf(letter!, terminal.style));
  return EXIT.ok;
}

const WHAT = { file: 'a file that could not be landed', object: 'an object', pipeline: 'a pipeline' };

function linesOf(d: DeadLetterDoc, style: Style): string[] {
  const fact = (name: string, value: string) => `${style.dim(name.padEnd(12))} ${value}`;
  return [
    `${style.bold(visible(d.name || d.pipeline))}  ${d.status}`,
    fact('dead letter', d.id),
    fact('what', `${WHAT[d.kind]}${d.bytes === null ? '' : `, ${formatBytes(d.bytes)}`}`),
    ...(d.dataset === '' ? [] : [fact('dataset', shortName(d.dataset))]),
    fact('reference', visible(d.ref)),
    fact('gave up in', `${d.state}, run ${d.run} of ${d.pipeline}`),
    fact('why', visible(d.reason)),
    fact(
      'code',
      `${d.error} (${d.transient ? 'transient: it may succeed as it is' : 'terminal: something has to be changed first'})`,
    ),
    ...(d.hint === null ? [] : [fact('what to do', visible(d.hint))]),
    '',
    style.bold('History'),
    ...d.history.map(
      (h) =>
        `  ${h.at.slice(0, 19).replace('T', ' ')}  ${visible(h.what)}${h.by ? ` by ${h.by}` : ''}${h.run ? style.dim(`  run ${h.run}`) : ''}${h.error ? style.dim(`  ${visible(h.error)}`) : ''}`,
    ),
  ];
}

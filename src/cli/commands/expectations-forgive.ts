/** `granary expectations forgive`. */
import { expectationRules } from '../../project/expectations.ts';
import { forgive } from '../../runtime/expectations/forgive.ts';
import { checkDatasets, shortName } from '../../runtime/names.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { dayOption } from '../day.ts';
import { withState } from '../open.ts';
import { usage } from '../parse.ts';
import { whoAmI } from './dlq-discard.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal, options } = call;
  const name = call.arguments[0]!;
  const given = dayOption('date', options.text('date'));
  const reason = options.text('reason');
  if (reason === undefined) throw usage('Why is it forgiven?', 'Add --reason "…": it stays on the board.');
  const date = await withState(call, (context, project) => {
    checkDatasets([name], project);
    const rules = expectationRules(project);
    const rule = rules.find((r) => shortName(r.dataset) === name);
    if (!rule)
      throw usage(
        `Nothing is expected of "${name}".`,
        `Something is expected of: ${rules.map((r) => shortName(r.dataset)).join(', ') || 'no dataset'}.`,
      );
    const forgiving = { reason, by: whoAmI(), ...(given !== undefined && { date: given }) };
    return forgive(context.state, rule, forgiving, context.clock.now());
  });
  terminal.document({ dataset: name, date, reason });
  terminal.line(`${terminal.style.dim('–')} ${name}  ${date}  forgiven`);
  return EXIT.ok;
}

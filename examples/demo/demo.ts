/** `npm run demo`: a small retailer's two weeks, from files to answers, by themselves, in a folder that can be looked at afterwards. */
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { errorLines } from '../../src/cli/terminal/errors.ts';
import { Terminal } from '../../src/cli/terminal/terminal.ts';
import { asGranaryError } from '../../src/lib/errors.ts';
import { formatSeconds } from '../../src/lib/units.ts';
import { tell } from './story.ts';

const HELP = `npm run demo -- [options]

  --dir <folder>   where to put the project; default: .granary-demo, made anew each time
  --keep           keep the FTP server and the mail catcher running at the end, until Ctrl-C, to try \`granary up\`
`;

const { values } = parseArgs({
  options: {
    dir: { type: 'string', default: '.granary-demo' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const { stdout, stderr, env } = process;
const terminal = new Terminal({ stdout, stderr, env, json: false, quiet: false, colour: true });

if (values.help) terminal.lines(HELP.trimEnd().split('\n'));
else {
  try {
    await demo(resolve(values.dir));
  } catch (e) {
    terminal.problem((style) => errorLines(asGranaryError(e), style));
    process.exitCode = 1;
  }
}

async function demo(dir: string): Promise<void> {
  const started = performance.now();
  const servers = await tell({ dir, terminal });
  const { style } = terminal;
  const fromHere = relative('.', dir) || '.';
  const shown = fromHere.startsWith('..') ? dir : fromHere;
  terminal.line();
  terminal.line(
    style.bold(`Done in ${formatSeconds((performance.now() - started) / 1000)}. The project is in ${shown}/; try`),
  );
  const granary = `npm run -s granary -- -C ${shown}`;
  for (const [what, command] of [
    ['what is held, and how to let it go', 'quarantine list'],
    ['the books are tables, too', 'query "SELECT * FROM granary.books LIMIT 9"'],
    ['what happened in the night', 'runs'],
  ]) {
    terminal.line(`  ${style.dim(what!)}`);
    terminal.line(`    ${granary} ${command}`);
  }
  terminal.line(`  ${style.dim('the mails, as a mail program shows them')}`);
  terminal.line(`    ${shown}/mail/03.html`);
  if (!values.keep) return servers.close();
  terminal.line();
  terminal.line(
    `Serving ${shown}/server by FTP until Ctrl-C: \`${granary} up\` finds it, and mail goes to ${shown}/mail.`,
  );
  process.once('SIGINT', () => void servers.close());
}

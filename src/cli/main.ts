/** Entry of the command line. Loads no more than help needs; a command's code is loaded when it is called. */
import { asGranaryError, GranaryError } from '../lib/errors.ts';
import { redact } from '../lib/redact.ts';
import { type CommandSpec, EXIT, type ExitCode } from './command.ts';
import { COMMANDS } from './commands.ts';
import { parseCommandLine } from './parse.ts';
import { Terminal } from './terminal/terminal.ts';

const words = process.argv.slice(2);
// What people type of any program.
process.exitCode = await main(words.length === 1 && ['--version', '-v'].includes(words[0]!) ? ['version'] : words);

async function main(words: string[]): Promise<ExitCode> {
  leaveQuietlyWhenNobodyReads();
  let terminal = terminalFor({ json: words.includes('--json'), quiet: false, colour: !words.includes('--no-color') });
  const stop = stopOnSignal((text) => terminal.note(text));
  try {
    const { command, arguments: given, options, group } = parseCommandLine(words, COMMANDS);
    terminal = terminalFor({ json: options.on('json'), quiet: options.on('quiet'), colour: !options.on('no-color') });
    if (!command || options.on('help')) {
      await tellHelp(terminal, command, group);
      return command || group || options.on('help') || words.length === 0 ? EXIT.ok : EXIT.usage;
    }
    const { execute } = await command.load();
    const line = ['granary', ...words].join(' ');
    return await execute({ line, arguments: given, options, commands: COMMANDS, terminal, signal: stop.signal });
  } catch (e) {
    const error = stop.signal.aborted ? stop.reason : toldError(e);
    terminal.bars.clear();
    if (terminal.json) terminal.document({ error: JSON.parse(redact(JSON.stringify(error))) });
    else terminal.problem((await import('./terminal/errors.ts')).errorLines.bind(undefined, error));
    return exitCodeOf(error);
  } finally {
    stop.done();
  }
}

function terminalFor(options: { json: boolean; quiet: boolean; colour: boolean }): Terminal {
  return new Terminal({ ...options, stdout: process.stdout, stderr: process.stderr, env: process.env });
}

async function tellHelp(
  terminal: Terminal,
  command: CommandSpec | undefined,
  group: string | undefined,
): Promise<void> {
  const { commandHelp, groupHelp, overview } = await import('./help.ts');
  const { style } = terminal;
  const lines = command
    ? commandHelp(command, style)
    : group
      ? groupHelp(group, COMMANDS, style)
      : overview(COMMANDS, style);
  await terminal.write(`${lines.join('\n')}\n`);
}

/** Files that a command writes by itself, such as those of `init`, fail with the errors of the system. */
function toldError(e: unknown): GranaryError {
  if (e instanceof Error && 'syscall' in e && 'path' in e) return new GranaryError('cli.file', e.message, { cause: e });
  return asGranaryError(e);
}

function exitCodeOf({ code }: GranaryError): ExitCode {
  if (code === 'cancelled') return EXIT.interrupted;
  if (code === 'owner.busy') return EXIT.busy;
  // A command that names an object, dataset or table that is not there is mistyped.
  return code === 'stage.bad_input' || /^(cli\.usage|config\.|secrets\.)/.test(code) ? EXIT.usage : EXIT.failed;
}

/** The first signal asks the command to stop, the second one ends the process. What was begun is safe either way. */
function stopOnSignal(note: (text: string) => void): { signal: AbortSignal; reason: GranaryError; done(): void } {
  const controller = new AbortController();
  const reason = new GranaryError('cancelled', 'Stopped by request.', {
    hint: 'Nothing is lost: a run that was stopped goes on with the next `granary run`.',
  });
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    note('Stopping. Once more to stop at once; nothing is lost either way.');
    controller.abort(reason);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    reason,
    done() {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}

/** `granary query … | head`: a reader that has seen enough is no error. */
function leaveQuietlyWhenNobodyReads(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (e: NodeJS.ErrnoException) => {
      if (e.code !== 'EPIPE') throw e;
      process.exit(EXIT.ok);
    });
  }
}

/** From words on a command line to a command with its arguments and options, or a `cli.usage` error that says what was meant. Pure. */
import { parseArgs } from 'node:util';
import { GranaryError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { parseDuration } from '../lib/units.ts';
import { type CommandSpec, GLOBAL_OPTIONS, type OptionSpec, type Options } from './command.ts';

export interface Parsed {
  /** Undefined for the overview. */
  command: CommandSpec | undefined;
  arguments: string[];
  options: Options;
}

/** A group's name alone (`quarantine --help`) gives no command and its name in `group`. */
export function parseCommandLine(
  words: readonly string[],
  commands: readonly CommandSpec[],
): Parsed & { group?: string } {
  const start = read(words, GLOBAL_OPTIONS, { lenient: true });
  const [first, second] = start.positionals;
  if (first === undefined) return { command: undefined, ...read(words, GLOBAL_OPTIONS) };
  const members = commands.filter((c) => c.name.startsWith(`${first} `));
  // `runs` is a command, `runs show` another. Without declarations the value of an option looks like a word.
  const alone = commands.some((c) => c.name === first);
  if (members.length > 0 && second === undefined && !alone) {
    const { options } = read(words, GLOBAL_OPTIONS);
    return { command: undefined, arguments: [], options, group: first };
  }
  const inGroup = alone ? members.some((c) => c.name === `${first} ${second}`) : members.length > 0;
  const name = inGroup ? `${first} ${second}` : first;
  const command = commands.find((c) => c.name === name);
  if (!command) throw unknownCommand(name, commands);
  const parsed = read(words, { ...GLOBAL_OPTIONS, ...command.options }, { command });
  const given = parsed.positionals.slice(name.split(' ').length);
  if (!parsed.options.on('help')) checkArguments(command, given);
  return { command, arguments: given, options: parsed.options };
}

interface Read {
  positionals: string[];
  arguments: string[];
  options: Options;
}

/** `lenient`: only the positionals are wanted, so options that are not declared are passed over. */
function read(
  words: readonly string[],
  declared: Record<string, OptionSpec>,
  { lenient = false, command }: { lenient?: boolean; command?: CommandSpec } = {},
): Read {
  const { values, positionals, tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(declared).map(([name, { short, value, many = false }]) => [
        name,
        {
          type: value === undefined ? ('boolean' as const) : ('string' as const),
          multiple: many,
          ...(short !== undefined && { short }),
        },
      ]),
    ),
    allowPositionals: true,
    // Node's own messages know neither the nearest spelling nor where help is.
    strict: false,
    tokens: true,
  });
  if (!lenient) for (const token of tokens) if (token.kind === 'option') checkOption(token, declared, command);
  return { positionals, arguments: positionals, options: optionsOf(values as Values, declared) };
}

interface OptionToken {
  name: string;
  rawName: string;
  value: string | undefined;
  inlineValue: boolean | undefined;
}

function checkOption(token: OptionToken, declared: Record<string, OptionSpec>, command: CommandSpec | undefined): void {
  const spec = Object.hasOwn(declared, token.name) ? declared[token.name] : undefined;
  const help = `\`granary ${command ? `${command.name} ` : ''}--help\` lists the options.`;
  if (!spec) {
    const near = nearest(token.name, Object.keys(declared));
    throw usage(
      `${token.rawName} is not an option of ${command ? `granary ${command.name}` : 'granary'}`,
      near ? `Did you mean --${near}? ${help}` : help,
    );
  }
  if (spec.value === undefined) {
    if (token.value !== undefined) throw usage(`${token.rawName} takes no value`, help);
    return;
  }
  if (token.value === undefined || (!token.inlineValue && /^-./.test(token.value)))
    throw usage(`${token.rawName} needs a value: ${token.rawName} <${spec.value}>`, help);
  if (spec.choices) checkChoice(token.rawName, token.value, spec.choices);
}

function checkChoice(what: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return;
  const near = nearest(value, choices);
  throw usage(`${what} is one of ${choices.join(', ')}, not "${value}"`, near && `Did you mean ${near}?`);
}

function checkArguments(command: CommandSpec, given: readonly string[]): void {
  const specs = command.arguments ?? [];
  const help = `Usage: granary ${usageLine(command)}`;
  const missing = specs.find((a, i) => !a.optional && given[i] === undefined);
  if (missing) throw usage(`<${missing.name}> is missing: ${missing.doc}`, help);
  if (given.length > specs.length && !specs.at(-1)?.many)
    throw usage(`"${given[specs.length]}" is one argument too many for granary ${command.name}`, help);
  for (const [i, value] of given.entries()) {
    const spec = specs[Math.min(i, specs.length - 1)]!;
    if (spec.choices) checkChoice(`<${spec.name}>`, value, spec.choices);
  }
}

/** `replay [<object>…] [options]` */
export function usageLine(command: CommandSpec): string {
  const words = (command.arguments ?? []).map((a) => {
    const word = `<${a.name}>${a.many ? '…' : ''}`;
    return a.optional ? `[${word}]` : word;
  });
  return [command.name, ...words, '[options]'].join(' ');
}

function unknownCommand(name: string, commands: readonly CommandSpec[]): GranaryError {
  const near =
    nearest(
      name,
      commands.map((c) => c.name),
    ) ??
    nearest(
      name.split(' ')[0]!,
      commands.map((c) => c.name),
    );
  return usage(
    `"${name}" is not a command`,
    `${near ? `Did you mean \`granary ${near}\`? ` : ''}\`granary --help\` lists the commands.`,
  );
}

export function usage(message: string, hint?: string): GranaryError {
  return new GranaryError('cli.usage', message, hint === undefined ? {} : { hint });
}

type Values = Record<string, string | boolean | (string | boolean)[] | undefined>;

function optionsOf(values: Values, declared: Record<string, OptionSpec>): Options {
  const value = (name: string) => {
    if (!Object.hasOwn(declared, name)) throw new TypeError(`option ${name} is not declared`);
    return values[name];
  };
  const text = (name: string) => {
    const v = value(name);
    return typeof v === 'string' ? v : undefined;
  };
  return {
    on: (name) => value(name) === true,
    text,
    list: (name) => ((value(name) as string[] | undefined) ?? []).flatMap((v) => (typeof v === 'string' ? [v] : [])),
    count(name) {
      const given = text(name);
      if (given === undefined) return undefined;
      if (!/^[1-9]\d{0,14}$/.test(given)) throw usage(`--${name} is a whole number above 0, not "${given}"`);
      return Number(given);
    },
    duration(name) {
      const given = text(name);
      if (given === undefined) return undefined;
      const seconds = given === '0' ? 0 : parseDuration(given);
      if (seconds === undefined) throw usage(`--${name} is a duration with its unit, such as "5 min", not "${given}"`);
      return seconds;
    },
  };
}

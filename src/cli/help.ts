/** Help, from the commands' declarations. Pure. */
import { type CommandSpec, EXIT, EXIT_MEANINGS, GLOBAL_OPTIONS, type OptionSpec, SECTIONS } from './command.ts';
import { usageLine } from './parse.ts';
import type { Style } from './terminal/style.ts';

const WIDTH = 100;

export function overview(commands: readonly CommandSpec[], style: Style): string[] {
  const widest = Math.max(...commands.map((c) => c.name.length));
  return [
    `${style.bold('granary')}: an enterprise data repository in one folder. Every row received is loaded, filtered,`,
    'deduplicated or rejected with a reason, and anyone can check.',
    '',
    'Usage: granary <command> [options]',
    ...SECTIONS.flatMap((section) => [
      '',
      style.bold(section),
      ...commands
        .filter((c) => c.section === section)
        .map((c) => `  ${style.cyan(c.name.padEnd(widest))}  ${c.summary}`),
    ]),
    '',
    style.bold('Options of every command'),
    ...optionLines(GLOBAL_OPTIONS, style),
    '',
    style.bold('Exit codes'),
    ...exitCodeLines(),
    '',
    '`granary <command> --help` shows its options and examples.',
  ];
}

/** Members of a group: `granary quarantine`. */
export function groupHelp(group: string, commands: readonly CommandSpec[], style: Style): string[] {
  const members = commands.filter((c) => c.name.startsWith(`${group} `));
  const widest = Math.max(...members.map((c) => c.name.length));
  return [
    `Usage: granary ${group} <command> [options]`,
    '',
    ...members.map((c) => `  ${style.cyan(c.name.padEnd(widest))}  ${c.summary}`),
    '',
    `\`granary ${group} <command> --help\` shows its options and examples.`,
  ];
}

export function commandHelp(command: CommandSpec, style: Style): string[] {
  const words = command.arguments ?? [];
  const widest = Math.max(...words.map((a) => a.name.length + 2));
  const choices = (list?: readonly string[]) => (list ? ` (${list.join(', ')})` : '');
  return [
    `${style.bold(`granary ${command.name}`)}: ${command.summary}`,
    ...(command.description ?? []).flatMap((p) => ['', ...wrapped(p, WIDTH)]),
    '',
    `Usage: granary ${usageLine(command)}`,
    ...(words.length > 0 ? ['', style.bold('Arguments')] : []),
    ...words.map((a) => `  ${`<${a.name}>`.padEnd(widest)}  ${a.doc}${choices(a.choices)}`),
    ...(command.options ? ['', style.bold('Options'), ...optionLines(command.options, style)] : []),
    '',
    style.bold('Options of every command'),
    ...optionLines(GLOBAL_OPTIONS, style),
    '',
    style.bold('Examples'),
    ...command.examples.flatMap((e) => [`  ${e.line}`, ...(e.meaning ? [`      ${style.dim(e.meaning)}`] : [])]),
  ];
}

function optionLines(options: Record<string, OptionSpec>, style: Style): string[] {
  const rows = Object.entries(options).map(([name, o]) => ({ flag: flagOf(name, o), doc: docOf(o) }));
  const widest = Math.max(...rows.map((r) => r.flag.length));
  return rows.map((r) => `  ${style.cyan(r.flag.padEnd(widest))}  ${r.doc}`);
}

/** `-f, --file <file>` */
export function flagOf(name: string, { short, value }: OptionSpec): string {
  return `${short ? `-${short}, ` : '    '}--${name}${value ? ` <${value}>` : ''}`;
}

/** What an option does, with its choices and whether it may be repeated. */
export function docOf({ doc, choices, many }: OptionSpec): string {
  return `${doc}${choices ? ` (${choices.join(', ')})` : ''}${many ? '; may be repeated' : ''}`;
}

function exitCodeLines(): string[] {
  return Object.entries(EXIT).map(
    ([name, code]) => `  ${String(code).padStart(3)}  ${EXIT_MEANINGS[name as keyof typeof EXIT]}`,
  );
}

/** Words on lines of at most `width` letters. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

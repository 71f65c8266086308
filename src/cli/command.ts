/** What a command is: declared once, in `commands.ts`; parsing, help and the reference docs come from it. */
import type { Terminal } from './terminal/terminal.ts';

export interface CommandSpec {
  /** One word, or two for the members of a group: `quarantine list`. */
  name: string;
  /** Heading under which the overview lists it. */
  section: Section;
  /** One line, no full stop. */
  summary: string;
  /** Paragraphs for the command's own help. */
  description?: string[];
  arguments?: ArgumentSpec[];
  options?: Record<string, OptionSpec>;
  examples: { line: string; meaning: string }[];
  /** Loads the code; reading the table loads none. */
  load(): Promise<CommandModule>;
}

export const SECTIONS = ['Start', 'Every day', 'Operate', 'Look closer', 'Repair', 'Project'] as const;
export type Section = (typeof SECTIONS)[number];

export interface ArgumentSpec {
  name: string;
  doc: string;
  optional?: boolean;
  /** Takes all that follow. */
  many?: boolean;
  choices?: readonly string[];
}

export interface OptionSpec {
  /** One letter. */
  short?: string;
  /** What the value is called in help: `name`. Without it the option is a switch. */
  value?: string;
  doc: string;
  /** May be given more than once. */
  many?: boolean;
  choices?: readonly string[];
}

export interface CommandModule {
  /** Returns the exit code. Errors are thrown, and told by the caller. */
  execute(call: Call): Promise<ExitCode>;
}

/** One call of a command, as typed. */
export interface Call {
  /** The whole line, for records and for those who find the data directory busy. */
  line: string;
  arguments: readonly string[];
  options: Options;
  /** All there are, for those who tell of them. */
  commands: readonly CommandSpec[];
  terminal: Terminal;
  /** Aborted when the user asks to stop. */
  signal: AbortSignal;
}

/** Parsed options, by their long names. Checked against the declaration: asking for one that is not declared is a defect. */
export interface Options {
  on(name: string): boolean;
  text(name: string): string | undefined;
  list(name: string): string[];
  /** A whole number above 0. Errors: `cli.usage`. */
  count(name: string): number | undefined;
  /** Seconds. Errors: `cli.usage`. */
  duration(name: string): number | undefined;
}

/** Documented in the overview; scripts rely on them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  busy: 3,
  refused: 4,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_MEANINGS: Record<keyof typeof EXIT, string> = {
  ok: 'it is done',
  failed: 'at least one object, check or statement failed; the others were done',
  usage: 'the command line or the project is wrong; nothing was done',
  busy: 'another process owns the data directory',
  refused: 'rows were rejected or objects quarantined, with --fail-on',
  interrupted: 'stopped by request',
};

/** Options that every command takes. */
export const GLOBAL_OPTIONS: Record<string, OptionSpec> = {
  dir: { short: 'C', value: 'folder', doc: 'Folder of the project; default: the nearest with a granary.yaml, upwards' },
  env: { value: 'name', doc: 'Environment of granary.yaml; default: $GRANARY_ENV' },
  wait: { value: 'duration', doc: 'How long to wait while another process owns the data directory: "10 min"' },
  json: { doc: 'One JSON document on standard output' },
  quiet: { short: 'q', doc: 'Print errors only, and the rows of queries' },
  'no-color': { doc: 'No colours; NO_COLOR does the same' },
  help: { short: 'h', doc: 'Help for the command' },
};

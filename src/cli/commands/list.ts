/** `granary list`: what there is, from the specs and the command table. */
import { isRequired } from '../../lib/spec/common.ts';
import type { Variant } from '../../lib/spec/fields.ts';
import type { Spec } from '../../lib/spec/spec.ts';
import { formatBytes, formatSeconds } from '../../lib/units.ts';
import { projectIfAny } from '../../project/project-files.ts';
import { type Call, type CommandSpec, EXIT, type ExitCode } from '../command.ts';
import { docOf, flagOf, wrapped } from '../help.ts';
import type { Terminal } from '../terminal/terminal.ts';

export async function execute({ arguments: [what], options, commands, terminal }: Call): Promise<ExitCode> {
  if (what === 'commands') listCommands(commands, terminal);
  else {
    const { catalogOf } = await import('../../runtime/project-catalog.ts');
    const { components } = await catalogOf(await projectIfAny(options.text('dir') ?? '.'));
    listComponents(components[what as keyof typeof components], terminal);
  }
  return EXIT.ok;
}

interface Component extends Variant {
  extensions?: readonly string[];
}

const INDENT = 6;
const WIDEST = 110;

function listComponents(components: readonly Component[], terminal: Terminal): void {
  const { style } = terminal;
  terminal.document(
    components.map(({ type, title, extensions, spec }) => ({
      type,
      title,
      ...(extensions && { extensions }),
      description: spec.info.doc,
      schema: spec.jsonSchema(),
    })),
  );
  if (components.length === 0) terminal.line(style.dim('none yet'));
  for (const [i, { type, extensions = [], spec }] of components.entries()) {
    if (i > 0) terminal.line();
    const endings = extensions.length > 0 ? style.dim(`  ${extensions.join(' ')}`) : '';
    terminal.line(`${style.bold(type)}  ${spec.info.doc}${endings}`);
    const fields = Object.entries(spec.fields);
    if (fields.length === 0) terminal.line(style.dim('  no settings'));
    for (const [name, field] of fields) {
      terminal.line(`  ${style.cyan(name)}  ${style.dim(kindOf(field))}`);
      const width = Math.min(terminal.width, WIDEST) - INDENT;
      for (const line of wrapped(field.info.doc, width)) terminal.line(' '.repeat(INDENT) + line);
    }
  }
}

/** `duration, default 30 s` */
function kindOf(field: Spec<unknown>): string {
  if (isRequired(field)) return `${field.label}, required`;
  const value = field.info.default;
  return value === undefined ? field.label : `${field.label}, default ${defaultText(field.label, value)}`;
}

function defaultText(label: string, value: unknown): string {
  if (label === 'size') return formatBytes(value as number);
  if (label === 'duration') return formatSeconds(value as number);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function listCommands(commands: readonly CommandSpec[], terminal: Terminal): void {
  const { style } = terminal;
  terminal.document(commands.map(({ load: _, ...declared }) => declared));
  for (const command of commands) {
    terminal.line(`${style.bold(command.name)}  ${command.summary}`);
    for (const [name, option] of Object.entries(command.options ?? {}))
      terminal.line(`  ${style.cyan(flagOf(name, option))}  ${docOf(option)}`);
  }
}

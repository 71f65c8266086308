/** `granary list`: what there is, from the specs and the command table. */
import { isRequired } from '../../lib/spec/common.ts';
import type { Variant } from '../../lib/spec/fields.ts';
import type { Spec } from '../../lib/spec/spec.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { COMMANDS } from '../commands.ts';
import { docOf, flagOf } from '../help.ts';
import type { Terminal } from '../terminal/terminal.ts';

export async function execute({ arguments: [what], terminal }: Call): Promise<ExitCode> {
  if (what === 'commands') listCommands(terminal);
  else {
    const { COMPONENTS } = await import('../../runtime/catalog.ts');
    listComponents(COMPONENTS[what as keyof typeof COMPONENTS], terminal);
  }
  return EXIT.ok;
}

interface Component extends Variant {
  extensions?: readonly string[];
}

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
  for (const [i, { type, extensions = [], spec }] of components.entries()) {
    if (i > 0) terminal.line();
    const endings = extensions.length > 0 ? style.dim(`  ${extensions.join(' ')}`) : '';
    terminal.line(`${style.bold(type)}  ${spec.info.doc}${endings}`);
    const fields = Object.entries(spec.fields);
    if (fields.length === 0) terminal.line(style.dim('  no settings'));
    else
      terminal.table(
        [
          { title: 'setting' },
          { title: 'kind', flexible: true },
          { title: 'default' },
          { title: 'meaning', flexible: true },
        ],
        fields.map(([name, field]) => [
          { text: name, paint: style.cyan },
          field.label,
          defaultOf(field),
          field.info.doc,
        ]),
        2,
      );
  }
}

function defaultOf(field: Spec<unknown>): string {
  if (isRequired(field)) return 'required';
  const value = field.info.default;
  return value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function listCommands(terminal: Terminal): void {
  const { style } = terminal;
  terminal.document(COMMANDS.map(({ load: _, ...declared }) => declared));
  for (const command of COMMANDS) {
    terminal.line(`${style.bold(command.name)}  ${command.summary}`);
    for (const [name, option] of Object.entries(command.options ?? {}))
      terminal.line(`  ${style.cyan(flagOf(name, option))}  ${docOf(option)}`);
  }
}

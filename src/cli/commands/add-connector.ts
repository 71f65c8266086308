/** `granary add connector`. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectorTemplate } from '../../project/connector-template.ts';
import { toName } from '../../project/names.ts';
import { findProject } from '../../project/project-files.ts';
import { NAME } from '../../project/specs/dataset.ts';
import { CONNECTORS } from '../../runtime/catalog.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { usage } from '../parse.ts';

export async function execute({ arguments: [given], options, terminal }: Call): Promise<ExitCode> {
  const name = given!;
  const dir = await findProject(options.text('dir') ?? '.');
  if (!NAME.regex.test(name))
    throw usage(`"${name}" is not ${NAME.meaning}`, `Perhaps: granary add connector ${toName(name, 'connector')}`);
  if (CONNECTORS.some((c) => c.type === name))
    throw usage(`There is a connector "${name}" already`, '`granary list connectors` lists those there are.');
  const files = connectorTemplate(name);
  for (const file of Object.keys(files))
    if (await stat(join(dir, file)).catch(() => undefined))
      throw usage(`${join(dir, file)} is there already`, 'Choose another name.');
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, file)), { recursive: true });
    await writeFile(join(dir, file), text, { flag: 'wx' });
  }
  const test = testCommand(dir, `connectors/${name}.test.ts`);
  const written = Object.keys(files);
  terminal.document({ written: written.map((file) => join(dir, file)), test });
  const { bold, cyan } = terminal.style;
  terminal.line(`${bold(name)} is a connector now: ${written[0]}; it reads a small list`);
  terminal.heading('Next');
  const there = relative(process.cwd(), dir);
  if (there !== '') terminal.line(`  ${cyan(`cd ${there}`)}`);
  terminal.line(`  ${cyan(`granary discover --connector ${name} --name ${name}`)}   a source of it; then granary run`);
  terminal.line(`  ${cyan(test)}   it keeps what Granary relies on`);
  terminal.line(`  ${cyan('granary schema --write')}   editors know its settings`);
  return EXIT.ok;
}

/** A project that has the package finds it by its name; others are helped. */
function testCommand(dir: string, file: string): string {
  try {
    createRequire(join(dir, 'package.json')).resolve('granary/connector');
    return `node --test ${file}`;
  } catch {
    const register = fileURLToPath(new URL('../../../exports/register.js', import.meta.url));
    return `node --import ${/^[\w./-]+$/.test(register) ? register : `'${register}'`} --test ${file}`;
  }
}

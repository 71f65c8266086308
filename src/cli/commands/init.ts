/** `granary init`. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { toName } from '../../project/names.ts';
import { PROJECT_FILE } from '../../project/project-files.ts';
import { projectSchemas } from '../../project/schema-files.ts';
import { NAME } from '../../project/specs/dataset.ts';
import { projectTemplate } from '../../project/templates.ts';
import { COMPONENTS } from '../../runtime/catalog.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { usage } from '../parse.ts';

export async function execute({ arguments: [folder], options, terminal }: Call): Promise<ExitCode> {
  const dir = resolve(options.text('dir') ?? '.', folder ?? '.');
  const name = options.text('name') ?? toName(basename(dir), 'project');
  if (!NAME.regex.test(name))
    throw usage(`"${name}" is not ${NAME.meaning}`, `Perhaps: --name ${toName(name, 'project')}`);
  if (await exists(join(dir, PROJECT_FILE)))
    throw usage(
      `${join(dir, PROJECT_FILE)} is there already`,
      'Choose another folder, or work with the project that is there: granary check',
    );
  const written: string[] = [];
  for (const [file, text] of Object.entries(projectTemplate(name))) {
    // A folder that is not empty keeps what it has.
    if (await exists(join(dir, file))) continue;
    await write(join(dir, file), text);
    written.push(file);
  }
  for (const [file, schema] of Object.entries(projectSchemas(COMPONENTS)))
    await write(join(dir, file), `${JSON.stringify(schema, null, 2)}\n`);

  terminal.document({ dir, name, written });
  const { bold, cyan, dim } = terminal.style;
  terminal.line(`${bold(name)} is ready in ${dir}`);
  for (const file of written) terminal.line(dim(`  ${file}`));
  terminal.heading('Next');
  const there = relative(process.cwd(), dir);
  if (there !== '') terminal.line(`  ${cyan(`cd ${there}`)}`);
  terminal.line(`  ${cyan('granary check')}                            every problem, with file, line and column`);
  terminal.line(`  ${cyan('granary run')}                              collect, verify, load; the books balance`);
  terminal.line(`  ${cyan('granary query "SELECT * FROM sales"')}      look at it`);
  terminal.line(`  ${cyan('granary discover --connector folder --set path=inbox --name more')}`);
  terminal.line('                                           the next source, from its files');
  return EXIT.ok;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

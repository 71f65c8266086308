/** What `granary add connector` and `granary add transform` do alike: write code that works, with its test, into the project. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toName } from '../project/names.ts';
import { findProject } from '../project/project-files.ts';
import { NAME } from '../project/specs/dataset.ts';
import { type Call, EXIT, type ExitCode } from './command.ts';
import { usage } from './parse.ts';

export interface OwnCode {
  word: 'connector' | 'transform';
  /** Names that are not free. */
  taken: readonly string[];
  /** Texts by path relative to the project folder: the code first, then its test. */
  template(name: string): Record<string, string>;
  /** What the code does as it is. */
  does: string;
  /** What to do next: commands or lines of YAML, with what they are for. */
  next(name: string): [what: string, meaning: string][];
}

/** Nothing is overwritten. */
export async function addOwnCode(call: Call, { word, taken, template, does, next }: OwnCode): Promise<ExitCode> {
  const { options, terminal } = call;
  const name = call.arguments[0]!;
  const dir = await findProject(options.text('dir') ?? '.');
  if (!NAME.regex.test(name))
    throw usage(`"${name}" is not ${NAME.meaning}`, `Perhaps: granary add ${word} ${toName(name, word)}`);
  if (taken.includes(name))
    throw usage(`There is a ${word} "${name}" already`, `\`granary list ${word}s\` lists those there are.`);
  const files = template(name);
  const written = Object.keys(files);
  for (const file of written)
    if (await stat(join(dir, file)).catch(() => undefined))
      throw usage(`${join(dir, file)} is there already`, 'Choose another name.');
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, file)), { recursive: true });
    await writeFile(join(dir, file), text, { flag: 'wx' });
  }
  const test = testCommand(dir, written[1]!);
  terminal.document({ written: written.map((file) => join(dir, file)), test });
  const { bold, cyan } = terminal.style;
  terminal.line(`${bold(name)} is a ${word} now: ${written[0]}; it ${does}`);
  terminal.heading('Next');
  const there = relative(process.cwd(), dir);
  if (there !== '') terminal.line(`  ${cyan(`cd ${there}`)}`);
  for (const [what, meaning] of [
    ...next(name),
    [test, 'it keeps what Granary relies on'],
    ['granary schema --write', 'editors know its settings'],
  ])
    terminal.line(`  ${cyan(what!)}   ${meaning}`);
  return EXIT.ok;
}

/** A project that has the package finds it by its name; others are helped. */
function testCommand(dir: string, file: string): string {
  try {
    createRequire(join(dir, 'package.json')).resolve('granary/connector');
    return `node --test ${file}`;
  } catch {
    const register = fileURLToPath(new URL('../../exports/register.js', import.meta.url));
    return `node --import ${/^[\w./-]+$/.test(register) ? register : `'${register}'`} --test ${file}`;
  }
}

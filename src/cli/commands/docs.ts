/** `granary docs`: the reference from specs, the command table and the table of error codes. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderReference } from '../../project/reference.ts';
import { COMPONENTS } from '../../runtime/catalog.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { commandsPage, errorsPage } from '../reference.ts';

export async function execute({ options, commands, terminal }: Call): Promise<ExitCode> {
  const folder = options.text('write');
  const pages: Record<string, string> = {
    ...renderReference(COMPONENTS),
    'commands.md': commandsPage(commands),
    'errors.md': errorsPage(),
  };
  pages['README.md'] +=
    '- [Commands](commands.md): `granary --help` on a page\n- [Errors](errors.md): every error code and what it means\n';
  if (folder !== undefined) {
    await mkdir(folder, { recursive: true });
    for (const [file, text] of Object.entries(pages)) await writeFile(join(folder, file), text);
  }
  const files = Object.keys(pages).map((file) => (folder === undefined ? file : join(folder, file)));
  terminal.document({ written: folder !== undefined, files });
  terminal.lines(files);
  return EXIT.ok;
}

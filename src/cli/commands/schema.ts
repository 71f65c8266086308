/** `granary schema`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findProject } from '../../project/project-files.ts';
import { projectSchemas } from '../../project/schema-files.ts';
import { COMPONENTS } from '../../runtime/catalog.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';

export async function execute({ options, terminal }: Call): Promise<ExitCode> {
  const schemas = projectSchemas(COMPONENTS);
  if (!options.on('write')) {
    await terminal.write(`${JSON.stringify(schemas, null, 2)}\n`);
    return EXIT.ok;
  }
  const dir = await findProject(options.text('dir') ?? '.');
  for (const [file, schema] of Object.entries(schemas)) {
    await mkdir(dirname(join(dir, file)), { recursive: true });
    await writeFile(join(dir, file), `${JSON.stringify(schema, null, 2)}\n`);
    terminal.line(join(dir, file));
  }
  terminal.document({ written: Object.keys(schemas).map((file) => join(dir, file)) });
  return EXIT.ok;
}

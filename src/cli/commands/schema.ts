/** `granary schema`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findProject, projectIfAny } from '../../project/project-files.ts';
import { projectSchemas } from '../../project/schema-files.ts';
import { catalogOf } from '../../runtime/project-catalog.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';

export async function execute({ options, terminal }: Call): Promise<ExitCode> {
  const start = options.text('dir') ?? '.';
  const dir = options.on('write') ? await findProject(start) : await projectIfAny(start);
  const schemas = projectSchemas((await catalogOf(dir)).components);
  if (!options.on('write') || dir === undefined) {
    await terminal.write(`${JSON.stringify(schemas, null, 2)}\n`);
    return EXIT.ok;
  }
  for (const [file, schema] of Object.entries(schemas)) {
    await mkdir(dirname(join(dir, file)), { recursive: true });
    await writeFile(join(dir, file), `${JSON.stringify(schema, null, 2)}\n`);
    terminal.line(join(dir, file));
  }
  terminal.document({ written: Object.keys(schemas).map((file) => join(dir, file)) });
  return EXIT.ok;
}

/** `granary secrets list`. */
import { findProject } from '../../project/project-files.ts';
import { projectSecrets } from '../../runtime/secrets.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';

export async function execute({ options, terminal }: Call): Promise<ExitCode> {
  const secrets = projectSecrets(await findProject(options.text('dir') ?? '.'));
  const names = await secrets.list();
  terminal.document(names);
  if (names.length === 0) terminal.line(`There are no secrets in ${secrets.description}.`);
  terminal.lines(names);
  return EXIT.ok;
}

/** `granary secrets remove`. */
import { nearest } from '../../lib/nearest.ts';
import { findProject } from '../../project/project-files.ts';
import { projectSecrets } from '../../runtime/secrets.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { usage } from '../parse.ts';

export async function execute({ arguments: [name], options, terminal }: Call): Promise<ExitCode> {
  const secrets = projectSecrets(await findProject(options.text('dir') ?? '.'));
  if (!(await secrets.remove(name!))) {
    const near = nearest(name!, await secrets.list());
    throw usage(
      `There is no secret ${name} in ${secrets.description}`,
      near ? `Did you mean ${near}?` : '`granary secrets list` shows the names.',
    );
  }
  terminal.document({ removed: name });
  terminal.line(`${name} is removed.`);
  return EXIT.ok;
}

/** `granary secrets set`. */
import { text } from 'node:stream/consumers';
import { findProject } from '../../project/project-files.ts';
import { projectSecrets } from '../../runtime/secrets.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { askUnseen } from '../terminal/ask.ts';

export async function execute({ arguments: [name], options, terminal }: Call): Promise<ExitCode> {
  const secrets = projectSecrets(await findProject(options.text('dir') ?? '.'));
  const value = process.stdin.isTTY
    ? await askUnseen(`Value of ${name}: `)
    : (await text(process.stdin)).replace(/\r?\n$/, '');
  const keyFile = await secrets.makeKey();
  await secrets.set(name!, value);
  terminal.document({ name, file: secrets.description, ...(keyFile !== undefined && { keyFile }) });
  if (keyFile !== undefined)
    terminal.note(
      `${keyFile} is new: it opens the secrets. Keep a copy in a safe place, and out of version control; on other machines set GRANARY_SECRETS_KEY to it.`,
    );
  terminal.line(`${name} is stored in ${secrets.description}. Use it as \${secret:${name}}.`);
  return EXIT.ok;
}

/** `granary token create`. */
import { SCOPES, type Scope } from '../../model/api-tokens.ts';
import type { TokenInfo } from '../../server/tokens.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { usage } from '../parse.ts';
import { withTokens } from '../token-store.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal, options } = call;
  const name = call.arguments[0]!;
  const scopes = options.list('scope') as Scope[];
  if (scopes.length === 0) throw usage('What may the token do?', `--scope ${SCOPES.join(', --scope ')}`);
  const made = await withTokens<TokenInfo & { token: string }>(call, {
    remote: (owner) => owner.post('/v1/tokens', { name, scopes }),
    local: (tokens) => tokens.create(name, scopes, 'owner'),
  });
  terminal.document(made);
  // The token alone on standard output, so that it can be piped to where it belongs.
  if (!terminal.json) await terminal.write(`${made.token}\n`, { exact: true });
  terminal.note(`${name} may: ${made.scopes.join(', ')}. The token is not shown again.`);
  return EXIT.ok;
}

/** `granary token revoke`. */
import type { TokenInfo } from '../../server/tokens.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { withTokens } from '../token-store.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const revoked: TokenInfo[] = [];
  for (const name of call.arguments)
    revoked.push(
      await withTokens<TokenInfo>(call, {
        remote: (owner) => owner.remove(`/v1/tokens/${encodeURIComponent(name)}`),
        local: (tokens) => tokens.revoke(name),
      }),
    );
  terminal.document(revoked);
  for (const { name } of revoked) terminal.line(`${name} is revoked.`);
  return EXIT.ok;
}

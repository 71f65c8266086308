/** `granary token list`. */
import type { TokenInfo } from '../../server/tokens.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { withTokens } from '../token-store.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const tokens = await withTokens<TokenInfo[]>(call, {
    remote: (owner) => owner.get('/v1/tokens'),
    local: (store) => store.list(),
  });
  terminal.document(tokens);
  if (tokens.length === 0) terminal.line('There are no tokens.');
  else
    terminal.table(
      [{ title: 'name' }, { title: 'id' }, { title: 'scopes' }, { title: 'created' }, { title: 'last used' }],
      tokens.map((t) => [
        t.name,
        t.id,
        t.scopes.join(', '),
        minute(t.createdAt),
        t.lastUsedAt ? minute(t.lastUsedAt) : 'never',
      ]),
    );
  return EXIT.ok;
}

const minute = (at: string) => at.slice(0, 16).replace('T', ' ');

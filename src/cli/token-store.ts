/** Tokens are managed by the owner that runs, or in the state store when none does. */
import { Tokens } from '../server/tokens.ts';
import type { Call } from './command.ts';
import { ownerOf, withState } from './open.ts';
import type { OwnerClient } from './owner-client.ts';

export async function withTokens<T>(
  call: Call,
  use: { remote(owner: OwnerClient): Promise<T>; local(tokens: Tokens): Promise<T> },
): Promise<T> {
  const owner = await ownerOf(call);
  if (owner) return use.remote(owner);
  return withState(call, ({ state, clock }) => use.local(new Tokens(state, clock)));
}

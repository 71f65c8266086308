/** Tokens of the HTTP API. The secret itself is known to its bearer only. */
import type { Collection } from '../ports/state-store.ts';

/**
 * `read`: status, runs, books, metrics. `query`: the rows of tables. `operate`: `read`, and starting, stopping, replaying. `admin`: all of
 * these, and tokens.
 */
export const SCOPES = ['read', 'query', 'operate', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export function allows(held: readonly Scope[], needed: Scope): boolean {
  return held.includes('admin') || held.includes(needed) || (needed === 'read' && held.includes('operate'));
}

export interface ApiTokenDoc {
  /** The part of the token that may be seen. */
  id: string;
  name: string;
  scopes: Scope[];
  /** SHA-256 of the whole token, hex. */
  hash: string;
  createdAt: string;
  createdBy: string;
  /** To the minute. */
  lastUsedAt: string | null;
}
export const API_TOKENS: Collection<ApiTokenDoc> = { name: 'api_tokens', indexes: {} };

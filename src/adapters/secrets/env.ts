/**
 * Secrets from environment variables. `${secret:crm-password}` is looked for as `GRANARY_SECRET_CRM_PASSWORD` and then as
 * `crm-password`, exactly as written. The first is set for Granary on purpose, so it wins over a variable that may be there for
 * another program. A variable that is empty counts as not set: an empty password is nearly always a mistake upstream.
 */
import { registerSecret } from '../../lib/redact.ts';
import type { SecretStore } from '../../ports/secrets.ts';

export function openEnvSecrets(environment: Record<string, string | undefined> = process.env): SecretStore {
  return {
    description: 'the environment',
    async get(name) {
      for (const variable of [variableOf(name), name]) {
        const value = Object.hasOwn(environment, variable) ? environment[variable] : undefined;
        if (!value) continue;
        registerSecret(value);
        return value;
      }
      return undefined;
    },
  };
}

/** The variable that a secret is set by: upper case, with `_` for whatever cannot stand in a variable's name. */
export function variableOf(name: string): string {
  return `GRANARY_SECRET_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
}

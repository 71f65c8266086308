/** The secrets of a project: those of the environment, then those of its encrypted file. */
import { randomBytes } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEnvSecrets } from '../adapters/secrets/env.ts';
import { KEY_VARIABLE, openSecretsFile, type SecretsFile } from '../adapters/secrets/file.ts';
import type { SecretLookup } from '../project/references.ts';

/** In the project folder: encrypted secrets, and, on machines where it is not in the environment, their key. */
const SECRETS_FILE = 'secrets.enc';
const SECRETS_KEY_FILE = '.secrets.key';

const filesOf = (dir: string) => ({ path: join(dir, SECRETS_FILE), keyFile: join(dir, SECRETS_KEY_FILE) });

/** What `${secret:NAME}` stands for. */
export function secretsOf(dir: string): SecretLookup {
  const environment = openEnvSecrets();
  const file = openSecretsFile(filesOf(dir));
  return {
    description: `${environment.description} and ${file.description}`,
    get: async (name) => (await environment.get(name)) ?? (await file.get(name)),
    // Asked for the nearest right name only, where a missing key must not hide the error at hand.
    list: () => file.list().catch(() => []),
  };
}

export interface ProjectSecrets extends SecretsFile {
  /**
   * Makes a key file where there is neither a key nor a secrets file that one would have to open: before the first secret. Returns its path
   * when one was made.
   */
  makeKey(): Promise<string | undefined>;
}

/** The encrypted file, for those who keep it. */
export function projectSecrets(dir: string): ProjectSecrets {
  const { path, keyFile } = filesOf(dir);
  const exists = (file: string) =>
    stat(file).then(
      () => true,
      () => false,
    );
  return {
    ...openSecretsFile({ path, keyFile }),
    async makeKey() {
      if (process.env[KEY_VARIABLE] || (await exists(keyFile)) || (await exists(path))) return undefined;
      await writeFile(keyFile, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
      return keyFile;
    },
  };
}

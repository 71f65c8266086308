/** The project's encrypted secrets, for those who keep them. */
import { randomBytes } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KEY_VARIABLE, openSecretsFile, type SecretsFile } from '../adapters/secrets/file.ts';
import { SECRETS_FILE, SECRETS_KEY_FILE } from './context.ts';

export interface ProjectSecrets extends SecretsFile {
  /**
   * Makes a key file where there is neither a key nor a secrets file that one would have to open: before the first secret. Returns its path
   * when one was made.
   */
  makeKey(): Promise<string | undefined>;
}

export function projectSecrets(dir: string): ProjectSecrets {
  const path = join(dir, SECRETS_FILE);
  const keyFile = join(dir, SECRETS_KEY_FILE);
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

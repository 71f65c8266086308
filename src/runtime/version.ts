/** The version of Granary, from its package. */
import { readFile } from 'node:fs/promises';

export async function productVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

/** Secrets that are typed for a source that may come to nothing: stored when they are needed, removed when the source is given up. */
import { GranaryError } from '../../lib/errors.ts';
import { projectSecrets, secretsOf } from '../../runtime/secrets.ts';

export class NewSecrets {
  readonly #dir: string;
  readonly #source: string;
  /** By the path of the setting. */
  readonly #names = new Map<string, string>();
  #keyFile: string | undefined;

  constructor(dir: string, source: string) {
    this.#dir = dir;
    this.#source = source;
  }

  get names(): string[] {
    return [...this.#names.values()];
  }

  /** The key file that had to be made. */
  get keyFile(): string | undefined {
    return this.#keyFile;
  }

  /** Stores a value under a name that nothing else has, and returns the reference. The same setting again replaces its value. */
  async keep(path: readonly string[], value: string): Promise<string> {
    const secrets = projectSecrets(this.#dir);
    this.#keyFile ??= await secrets.makeKey();
    const at = path.join('.');
    const name = this.#names.get(at) ?? (await this.#freeName(path));
    await secrets.set(name, value);
    this.#names.set(at, name);
    return `\${secret:${name}}`;
  }

  /** Removes those that no text refers to; all of them without one. */
  async removeUnused(text = ''): Promise<void> {
    const secrets = projectSecrets(this.#dir);
    for (const [at, name] of this.#names) {
      if (text.includes(`\${secret:${name}}`)) continue;
      await secrets.remove(name);
      this.#names.delete(at);
    }
  }

  async #freeName(path: readonly string[]): Promise<string> {
    const base = [this.#source, ...path]
      .join('_')
      .toUpperCase()
      .replaceAll(/[^A-Z0-9]+/g, '_');
    const { get } = secretsOf(this.#dir);
    for (let n = 1; n < 1000; n++) {
      const name = n === 1 ? base : `${base}_${n}`;
      if ((await get(name)) === undefined) return name;
    }
    throw new GranaryError('secrets.invalid', `All names from ${base} to ${base}_999 are taken.`);
  }
}

/** For tests: a GnuPG of its own, with keys made for the occasion, and the codec's answer to what it makes. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { CodecInput } from '../../ports/codec.ts';
import { type OpenpgpConfig, type OpenpgpHelpers, openpgpWith } from './openpgp.ts';

/** Undefined when this machine can run gpg; else the reason to skip a test. With `CI` set a machine without it fails. */
export function whyNoGpg(): string | undefined {
  const { error } = spawnSync('gpg', ['--version']);
  if (!error) return undefined;
  if (process.env['CI']) throw new Error('gpg is missing, and CI is to run every test', { cause: error });
  return 'gpg is not installed';
}

export class GpgHome {
  /** Short, as the path of gpg-agent's socket must be. */
  readonly folder = mkdtempSync(join(tmpdir(), 'pgp-'));

  /** Runs gpg and returns what it writes. */
  run(args: string[], input: Uint8Array | string = ''): Buffer {
    const common = ['--homedir', this.folder, '--batch', '--no-tty', '--quiet', '--yes', '--pinentry-mode', 'loopback'];
    return execFileSync('gpg', [...common, '--trust-model', 'always', ...args], {
      input,
      maxBuffer: 2 ** 30,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** Makes a key from the lines of gpg's batch language that say what it is. */
  makeKey(name: string, lines: string[], passphrase = ''): void {
    const protection = passphrase ? [`Passphrase: ${passphrase}`] : ['%no-protection'];
    const all = [
      ...lines,
      ...protection,
      `Name-Real: ${name}`,
      `Name-Email: ${name}@test.invalid`,
      'Expire-Date: 0',
      '%commit',
    ];
    this.run(['--generate-key'], all.join('\n'));
  }

  publicKey(name: string): string {
    return this.run(['--armor', '--export', `${name}@test.invalid`]).toString();
  }

  secretKey(name: string, passphrase = ''): string {
    return this.run(['--armor', '--passphrase', passphrase, '--export-secret-keys', `${name}@test.invalid`]).toString();
  }

  /** Stops its agent and removes it. */
  close(): void {
    spawnSync('gpgconf', ['--homedir', this.folder, '--kill', 'all']);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What the codec makes of a message. */
export async function decode(
  message: Uint8Array | AsyncIterable<Uint8Array>,
  config: Partial<OpenpgpConfig>,
  helpers: OpenpgpHelpers = {},
): Promise<Buffer> {
  for await (const member of openpgpWith(helpers).decode(input(message), config as OpenpgpConfig, {
    scratch: '/nonexistent',
  }))
    return await buffer(member.body);
  throw new Error('the codec gave no member');
}

export function input(message: Uint8Array | AsyncIterable<Uint8Array>): CodecInput {
  return {
    name: 'sales.csv.pgp',
    async *stream() {
      if (message instanceof Uint8Array) yield message;
      else yield* message;
    },
    file: () => Promise.reject(new Error('this codec needs no file')),
  };
}

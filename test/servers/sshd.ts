/** OpenSSH's sshd with its internal SFTP server. */
import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, isRoot, LOOPBACK, missing, run, SERVER_USER, serverFolder, startServer } from './processes.ts';

export const KEY_PASSPHRASE = 'open sesame';
const PASSWORD_FILE = '/var/lib/granarytest/password';

export interface SshServer {
  port: number;
  user: string;
  /** Undefined without root: sshd can then check no passwords. */
  password: string | undefined;
  /** Files with private keys that are let in; the second one has KEY_PASSPHRASE. */
  privateKey: string;
  protectedKey: string;
  /** Fingerprints of the host keys. */
  hostKeys: { ed25519: string; rsa: string };
  files: string;
  stop(): Promise<void>;
}

export const sshdMissing = () => missing('/usr/sbin/sshd', ...(isRoot ? [PASSWORD_FILE] : []));

/** `passwordBy` says how the server asks for a password: not every one offers both ways. */
export async function startSshServer(passwordBy: 'password' | 'keyboard-interactive' = 'password'): Promise<SshServer> {
  const { folder, files, remove } = await serverFolder('sshd');
  const port = await freePorts();
  const keys = await Promise.all([
    makeKey(join(folder, 'host_ed25519'), 'ed25519'),
    makeKey(join(folder, 'host_rsa'), 'rsa'),
    makeKey(join(folder, 'user'), 'ed25519'),
    makeKey(join(folder, 'user_protected'), 'ed25519', KEY_PASSPHRASE),
  ]);
  const [ed25519, rsa, plain, locked] = keys as [string, string, string, string];
  const authorized = join(folder, 'authorized_keys');
  await writeFile(authorized, (await readFile(`${plain}.pub`, 'utf8')) + (await readFile(`${locked}.pub`, 'utf8')));
  await chmod(authorized, 0o644);
  const settings = [
    `ListenAddress ${LOOPBACK}:${port}`,
    `HostKey ${ed25519}`,
    `HostKey ${rsa}`,
    'PidFile none',
    'StrictModes no',
    `AuthorizedKeysFile ${authorized}`,
    `PasswordAuthentication ${passwordBy === 'password' ? 'yes' : 'no'}`,
    `KbdInteractiveAuthentication ${passwordBy === 'password' ? 'no' : 'yes'}`,
    `UsePAM ${isRoot ? 'yes' : 'no'}`,
    'UseDNS no',
    'Subsystem sftp internal-sftp',
    `ForceCommand internal-sftp -d ${files}`,
  ];
  const configuration = join(folder, 'sshd_config');
  await writeFile(configuration, `${settings.join('\n')}\n`);
  const server = await startServer('/usr/sbin/sshd', ['-D', '-e', '-f', configuration], { port });
  return {
    port,
    user: SERVER_USER,
    password: isRoot && existsSync(PASSWORD_FILE) ? await readFile(PASSWORD_FILE, 'utf8') : undefined,
    privateKey: plain,
    protectedKey: locked,
    hostKeys: { ed25519: await fingerprint(ed25519), rsa: await fingerprint(rsa) },
    files,
    async stop() {
      await server.stop();
      await remove();
    },
  };
}

async function makeKey(file: string, type: 'ed25519' | 'rsa', passphrase = ''): Promise<string> {
  await run('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-f', file]);
  return file;
}

async function fingerprint(key: string): Promise<string> {
  return (await run('ssh-keygen', ['-l', '-f', `${key}.pub`])).split(' ')[1]!;
}

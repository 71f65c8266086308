import assert from 'node:assert/strict';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { listed, rejectsWith } from '../../test/contracts/file-source.ts';
import { opener } from '../../test/contracts/opener.ts';
import { LOOPBACK } from '../../test/servers/processes.ts';
import { KEY_PASSPHRASE, type SshServer, sshdMissing, startSshServer } from '../../test/servers/sshd.ts';
import { sftp } from './sftp.ts';

const OTHER_KEY = `SHA256:${'A'.repeat(43)}`;

describe('the SFTP connector', { skip: sshdMissing() }, () => {
  let server: SshServer;
  let config: Record<string, unknown>;
  const open = opener(sftp);
  const opens = async (settings: Record<string, unknown>) => (await open({ ...config, ...settings })).close();
  before(async () => {
    server = await startSshServer();
    const { port, user, hostKeys } = server;
    config = { host: LOOPBACK, port, user, host_key: hostKeys.ed25519, timeout: '5 s' };
  });
  after(() => server?.stop());

  it('logs in with a key, from a file or as text, with or without a passphrase', async () => {
    await opens({ private_key_file: server.privateKey });
    await opens({ private_key: await readFile(server.privateKey, 'utf8') });
    await opens({ private_key_file: server.protectedKey, passphrase: KEY_PASSPHRASE });
  });

  it('logs in with a password, and says that a wrong one is wrong', async (t) => {
    if (server.password === undefined) return t.skip('sshd checks passwords only as root');
    await opens({ password: server.password });
    await rejectsWith(opens({ password: 'wrong' }), 'connector.auth_failed', false);
  });

  it('answers a server that asks for the password (keyboard-interactive)', async (t) => {
    if (server.password === undefined) return t.skip('sshd checks passwords only as root');
    const asking = await startSshServer('keyboard-interactive');
    try {
      const { port, hostKeys } = asking;
      const settings = { port, host_key: hostKeys.ed25519 };
      await opens({ ...settings, password: server.password });
      await rejectsWith(opens({ ...settings, password: 'wrong' }), 'connector.auth_failed', false);
    } finally {
      await asking.stop();
    }
  });

  it('says what is wrong with a key that cannot be used', async () => {
    const locked = await rejectsWith(opens({ private_key_file: server.protectedKey }), 'connector.auth_failed', false);
    assert.match(locked.hint!, /passphrase/);
    await rejectsWith(opens({ private_key_file: '/none' }), 'connector.auth_failed', false);
    await rejectsWith(opens({}), 'connector.auth_failed', false);
  });

  it('accepts a pinned host key of any kind the server has, and any key only when told so', async () => {
    const key = { private_key_file: server.privateKey };
    await opens({ ...key, host_key: server.hostKeys.rsa });
    await opens({ ...key, host_key: [OTHER_KEY, server.hostKeys.ed25519] });
    await opens({ ...key, host_key: 'any' });
  });

  it('refuses a server with another host key, and names both fingerprints', async () => {
    const refused = opens({ private_key_file: server.privateKey, host_key: OTHER_KEY });
    const { message, details } = await rejectsWith(refused, 'connector.host_key_mismatch', false);
    for (const fingerprint of [OTHER_KEY, server.hostKeys.ed25519, server.hostKeys.rsa])
      assert.ok(message.includes(fingerprint), message);
    assert.deepEqual(details, { seen: [server.hostKeys.ed25519, server.hostKeys.rsa], pinned: [OTHER_KEY] });
  });

  it('tells the line to add when no host key is pinned', async () => {
    const refused = opens({ private_key_file: server.privateKey, host_key: undefined });
    const { hint } = await rejectsWith(refused, 'connector.host_key_unknown', false);
    assert.ok(hint!.includes(`host_key: "${server.hostKeys.ed25519}"`), hint);
  });

  it('follows links to files inside the root only', async () => {
    await writeFile(join(server.files, 'data.csv'), 'x');
    await symlink('data.csv', join(server.files, 'latest.csv'));
    await symlink('/etc/hostname', join(server.files, 'leak.csv'));
    await symlink('/etc', join(server.files, 'way-out'));
    const source = await open({ ...config, private_key_file: server.privateKey, root: server.files });
    const paths = (await listed(source, { folder: '', depth: 2 })).map((file) => file.path);
    assert.deepEqual(paths.sort(), ['data.csv', 'latest.csv']);
    await source.close();
  });

  it('says that its root is missing', async () => {
    const settings = { private_key_file: server.privateKey, root: '/none/such' };
    await rejectsWith(opens(settings), 'connector.not_found', false);
  });
});

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { listed, rejectsWith } from '../../test/contracts/file-source.ts';
import { opener } from '../../test/contracts/opener.ts';
import { LOOPBACK } from '../../test/servers/processes.ts';
import { type FtpServer, proftpdMissing, startFtpServer } from '../../test/servers/proftpd.ts';
import { ftp } from './ftp.ts';

const open = opener(ftp);
const OTHER_FINGERPRINT = Array(32).fill('AB').join(':');

for (const tls of ['explicit', 'implicit'] as const)
  describe(`the FTP connector with ${tls} TLS`, { skip: proftpdMissing() }, () => {
    let server: FtpServer;
    let config: Record<string, unknown>;
    before(async () => {
      server = await startFtpServer(tls);
      const { port, user, password } = server;
      config = { host: LOOPBACK, port, user, password, tls, timeout: '5 s' };
      await writeFile(join(server.files, 'a.csv'), 'x');
    });
    after(() => server?.stop());

    it('refuses a certificate nobody vouches for, and tells its fingerprint', async () => {
      const { hint } = await rejectsWith(open(config), 'connector.tls', false);
      assert.ok(hint!.includes(`tls_fingerprint: "${server.certificate.fingerprint}"`), hint);
    });

    it('accepts the pinned certificate for control and data, however the fingerprint is written', async () => {
      const { fingerprint } = server.certificate;
      for (const pin of [fingerprint, fingerprint.replaceAll(':', '').toLowerCase()]) {
        const source = await open({ ...config, tls_fingerprint: pin });
        assert.deepEqual(
          (await listed(source, { folder: '', depth: 0 })).map((file) => file.path),
          ['a.csv'],
        );
        await source.close();
      }
    });

    it('refuses any other certificate than the pinned one, and names both', async () => {
      const refused = open({ ...config, tls_fingerprint: OTHER_FINGERPRINT });
      const { message } = await rejectsWith(refused, 'connector.tls', false);
      assert.ok(message.includes(OTHER_FINGERPRINT) && message.includes(server.certificate.fingerprint), message);
    });

    it('says that ca_file is missing', async () => {
      await rejectsWith(open({ ...config, ca_file: 'none.pem' }), 'connector.tls', false);
    });
  });

describe('the FTP connector', { skip: proftpdMissing() }, () => {
  let server: FtpServer;
  let config: Record<string, unknown>;
  before(async () => {
    server = await startFtpServer('none');
    const { port, user, password } = server;
    config = { host: LOOPBACK, port, user, password, timeout: '5 s' };
  });
  after(() => server?.stop());

  it('says that a server has no TLS', async () => {
    await rejectsWith(open({ ...config, tls: 'explicit' }), 'connector.tls', false);
    await rejectsWith(open({ ...config, tls: 'implicit' }), 'connector.tls', false);
  });

  it('says that its root is missing', async () => {
    await rejectsWith(open({ ...config, root: '/none/such' }), 'connector.not_found', false);
  });

  it('reads names that are not UTF-8 when told their encoding', async () => {
    await writeFile(Buffer.concat([Buffer.from(`${server.files}/`), Buffer.from('größe.csv', 'latin1')]), 'x');
    const source = await open({ ...config, name_encoding: 'latin-1' });
    assert.deepEqual(
      (await listed(source, { folder: '', depth: 0 })).map((file) => file.path),
      ['größe.csv'],
    );
    assert.equal((await source.stat('größe.csv'))?.bytes, 1);
    await source.close();
  });
});

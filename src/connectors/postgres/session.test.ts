import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { makeCertificate } from '../../../test/servers/certificate.ts';
import { type PostgresServer, postgresMissing, startPostgres } from '../../../test/servers/postgres.ts';
import { freePorts, LOOPBACK } from '../../../test/servers/processes.ts';
import { openDatabase, openSource } from './testing.ts';

interface Failure {
  code: string;
  transient: boolean;
  message: string;
  hint: string | undefined;
}

const failure = (opening: Promise<unknown>): Promise<Failure> =>
  opening.then(
    () => assert.fail('it was opened'),
    (e) => e,
  );

describe('connections to PostgreSQL', { skip: postgresMissing(), timeout: 120_000 }, () => {
  let server: PostgresServer;
  let folder: string;
  before(async () => {
    server = await startPostgres({
      tls: 'required',
      settings: ['max_connections = 10', 'superuser_reserved_connections = 3'],
    });
    folder = await mkdtemp('/tmp/granary-certificates-');
  });
  after(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const isEncrypted = async (settings: Record<string, unknown>, to = server) => {
    const database = await openDatabase(to, settings);
    const snapshot = await database.snapshot(undefined);
    const [[ssl]] = (await snapshot.rows('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')) as [string[]];
    await snapshot.close();
    await database.close();
    return ssl === 't';
  };

  it('are encrypted, and the certificate is checked against the given authority', async () => {
    assert.ok(await isEncrypted({ tls: 'required', ca_file: server.certificate.certificate }));
    assert.ok(await isEncrypted({ tls: 'required', ca_file: server.certificate.certificate, host: 'localhost' }));
    const unknown = await failure(openSource(server, { tls: 'required' }));
    assert.deepEqual([unknown.code, unknown.transient], ['connector.tls', false]);
    assert.match(unknown.hint!, /ca_file/);
    const { certificate } = await makeCertificate(folder);
    assert.equal((await failure(openSource(server, { tls: 'preferred', ca_file: certificate }))).code, 'connector.tls');
    assert.equal(
      (await failure(openSource(server, { tls: 'required', ca_file: '/nothing.pem' }))).code,
      'connector.tls',
    );
  });

  it('can be encrypted without knowing the authority, when that is asked for', async () => {
    assert.ok(await isEncrypted({ tls: 'preferred' }));
    assert.ok(await isEncrypted({ tls: 'required', verify: false }));
  });

  it('are refused by a server that wants TLS, with what to do', async () => {
    const refused = await failure(openSource(server, { tls: 'off' }));
    assert.deepEqual([refused.code, refused.transient], ['connector.auth_failed', false]);
    assert.match(refused.hint!, /change tls/);
  });

  it('are not encrypted where the server cannot, unless that is required', async () => {
    const plain = await startPostgres({ tls: 'none' });
    try {
      assert.equal(await isEncrypted({ tls: 'preferred' }, plain), false);
      const refused = await failure(openSource(plain, { tls: 'required' }));
      assert.deepEqual([refused.code, refused.transient], ['connector.tls', false]);
    } finally {
      await plain.stop();
    }
  });

  it('fail for good where the user, the password or the database is wrong, and the password is in no error', async () => {
    const secret = 'the wrong pass phrase';
    const wrong = await failure(openSource(server, { password: secret }));
    assert.deepEqual([wrong.code, wrong.transient], ['connector.auth_failed', false]);
    assert.ok(!JSON.stringify([wrong, wrong.message, String((wrong as unknown as Error).cause)]).includes(secret));
    assert.equal((await failure(openSource(server, { user: 'nobody' }))).code, 'connector.auth_failed');
    const none = await failure(openSource(server, { password: undefined }));
    assert.equal(none.code, 'connector.auth_failed');
    assert.match(none.hint!, /wants a password/);
    const database = await failure(openSource(server, { database: 'shopp' }));
    assert.deepEqual([database.code, database.transient], ['connector.not_found', false]);
    assert.match(database.message, /shopp/);
  });

  it('fail for this time where nobody listens, or somebody else does', async () => {
    const nobody = await failure(openSource(server, { port: await freePorts() }));
    assert.deepEqual([nobody.code, nobody.transient], ['connector.unreachable', true]);
    const port = await freePorts();
    const other = createServer((socket) => socket.end('220 ftp.example.com\r\n')).listen(port, LOOPBACK);
    const silent = createServer(() => undefined).listen(port + 1, LOOPBACK);
    try {
      assert.equal((await failure(openSource(server, { port }))).code, 'connector.protocol');
      for (const tls of ['off', 'preferred']) {
        const late = await failure(openSource(server, { port: port + 1, timeout: '1 s', tls }));
        assert.deepEqual([late.code, late.transient], ['connector.unreachable', true], tls);
      }
    } finally {
      other.close();
      silent.close();
    }
  });

  it('fail for this time where there are too many, and come back when there are not', async () => {
    const others = await Promise.all(Array.from({ length: 7 }, () => openDatabase(server)));
    const refused = await failure(openSource(server));
    assert.deepEqual([refused.code, refused.transient], ['connector.unavailable', true]);
    for (const other of others) await other.close();
    for (let tries = 0; ; tries++) {
      const opened = await openDatabase(server).catch((e) => (tries < 200 ? undefined : assert.fail(e)));
      await opened?.close();
      if (opened) break;
      await new Promise((r) => setTimeout(r, 50));
    }
  });

  it('are used again after the server ended one of them', async () => {
    const database = await openDatabase(server);
    await server.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'granary'");
    // The end of a connection may be seen before it is used, or by using it.
    await database.horizon().catch((e) => assert.equal(e.transient, true));
    assert.ok((await database.horizon()).now);
    const snapshot = await database.snapshot(undefined);
    await server.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'granary'");
    await assert.rejects(snapshot.rows('SELECT 1'), { code: 'connector.lost', transient: true });
    await snapshot.close();
    assert.ok((await database.horizon()).now);
    await database.close();
  });
});

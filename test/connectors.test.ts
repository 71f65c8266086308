/** Every file connector against its contract, on a real server. */
import assert from 'node:assert/strict';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { folder } from '../src/connectors/folder.ts';
import { ftp } from '../src/connectors/ftp.ts';
import { http } from '../src/connectors/http.ts';
import { s3 } from '../src/connectors/s3.ts';
import { sftp } from '../src/connectors/sftp.ts';
import { type FileSourceFixture, fileSourceContract } from './contracts/file-source.ts';
import { opener } from './contracts/opener.ts';
import { type CuttingProxy, startCuttingProxy } from './servers/cutting-proxy.ts';
import { motoMissing, startS3Server } from './servers/moto.ts';
import { nginxMissing, startHttpServer } from './servers/nginx.ts';
import { account, freePorts, isRoot, LOOPBACK, run, SERVER_USER } from './servers/processes.ts';
import { proftpdMissing, startFtpServer } from './servers/proftpd.ts';
import { sshdMissing, startSshServer } from './servers/sshd.ts';

it('no driver is loaded before a connection is opened', async () => {
  const names = ['folder', 'ftp', 'sftp', 's3', 'http'];
  const folder = new URL('../src/connectors/', import.meta.url);
  const imports = names.map((name) => `await import('${folder}${name}.ts');`).join('');
  const loaded =
    "console.log(Object.keys(require('node:module')._cache).filter((file) => file.includes('node_modules')))";
  const script = `(async () => { ${imports} ${loaded} })()`;
  assert.equal((await run(process.execPath, ['--input-type=commonjs', '--eval', script])).trim(), '[]');
});

fileSourceContract(
  'folder',
  false,
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'granary-folder-'));
    return {
      ...(await onDisk(root)),
      open: () => opener(folder)({ path: root }),
      openWithWrongCredentials: undefined,
      openUnreachable: undefined,
      openThrough: undefined,
      startProxy: () => startCuttingProxy([]),
      // Nothing is denied to root.
      ...(isRoot && { putDenied: undefined }),
      stop: () => rm(root, { recursive: true }),
    };
  },
  { network: false, moves: true, denies: !isRoot },
);

for (const [name, tls, facts] of [
  ['ftp', 'none', true],
  ['ftp without MLSD', 'none', false],
  ['ftp with explicit TLS', 'explicit', true],
  ['ftp with implicit TLS', 'implicit', true],
] as const)
  fileSourceContract(name, proftpdMissing(), async () => {
    const server = await startFtpServer(tls, { facts });
    const { port, user, password, files, certificate } = server;
    const config = { host: LOOPBACK, port, user, password, tls, ca_file: certificate.certificate };
    const open = opener(ftp);
    return {
      ...(await onDisk(files)),
      open: () => open(config),
      openWithWrongCredentials: () => open({ ...config, password: 'wrong' }),
      openUnreachable: async () => open({ ...config, port: await freePorts() }),
      openThrough: ({ host }: CuttingProxy) => open({ ...config, host, timeout: '1 s' }),
      startProxy: () => startCuttingProxy(server.ports),
      stop: server.stop,
    };
  });

fileSourceContract('sftp', sshdMissing(), async () => {
  const { port, user, privateKey, protectedKey, hostKeys, files, stop } = await startSshServer();
  const config = { host: LOOPBACK, port, user, private_key_file: privateKey, host_key: hostKeys.ed25519, root: files };
  const open = opener(sftp);
  return {
    ...(await onDisk(files)),
    open: () => open(config),
    openWithWrongCredentials: () => open({ ...config, private_key_file: protectedKey, passphrase: 'wrong' }),
    openUnreachable: async () => open({ ...config, port: await freePorts() }),
    openThrough: ({ host }: CuttingProxy) => open({ ...config, host, timeout: '1 s' }),
    startProxy: () => startCuttingProxy([port]),
    stop,
  };
});

fileSourceContract('s3', motoMissing(), async () => {
  const { port, endpoint, bucket, accessKeyId, secretAccessKey, client, stop } = await startS3Server();
  const keys = { access_key_id: accessKeyId, secret_access_key: secretAccessKey };
  const config = { bucket, prefix: 'vendor/outgoing', endpoint, path_style: true, ...keys };
  const open = opener(s3);
  const object = (path: string) => ({ Bucket: bucket, Key: `vendor/outgoing/${path}` });
  const put = async (path: string, content: Uint8Array) => {
    await client.send(new PutObjectCommand({ ...object(path), Body: content }));
  };
  return {
    open: () => open(config),
    openWithWrongCredentials: () => open({ ...config, secret_access_key: 'wrong' }),
    openUnreachable: async () => open({ ...config, endpoint: `http://${LOOPBACK}:${await freePorts()}` }),
    openThrough: ({ host }: CuttingProxy) => open({ ...config, endpoint: `http://${host}:${port}`, timeout: '1 s' }),
    startProxy: () => startCuttingProxy([port]),
    put,
    get: async (path: string) => {
      const reply = await client.send(new GetObjectCommand(object(path))).catch(() => undefined);
      return reply?.Body?.transformToByteArray();
    },
    putDenied: async () => {
      await put('denied/secret.csv', new Uint8Array(10));
      return 'denied/secret.csv';
    },
    stop,
  };
});

for (const [name, path, index] of [
  ['http with an HTML index', 'basic', 'html'],
  ['http with a JSON index, over TLS', 'bearer', 'json'],
  ['http without ranges', 'no-ranges', 'html'],
] as const)
  fileSourceContract(
    name,
    nginxMissing(),
    async () => {
      const { port, tlsPort, user, password, token, certificate, files, stop } = await startHttpServer();
      const isTls = path === 'bearer';
      const credentials = isTls ? { bearer_token: token } : { user, password };
      const wrong = isTls ? { bearer_token: 'wrong' } : { user, password: 'wrong' };
      const urlAt = (host: string, at = isTls ? tlsPort : port) =>
        `${isTls ? 'https' : 'http'}://${host}:${at}/${path}/`;
      const config = { url: urlAt(LOOPBACK), index, ca_file: certificate.certificate, ...credentials };
      const open = opener(http);
      return {
        ...(await onDisk(files)),
        open: () => open(config),
        openWithWrongCredentials: () => open({ ...config, ...wrong }),
        openUnreachable: async () => open({ ...config, url: urlAt(LOOPBACK, await freePorts()) }),
        openThrough: ({ host }: CuttingProxy) => open({ ...config, url: urlAt(host), timeout: '1 s' }),
        startProxy: () => startCuttingProxy([port, tlsPort]),
        stop,
      };
    },
    { network: true, moves: false, denies: true },
  );

/** Ways to files that a server on this machine serves from a folder; they belong to the account it serves them as. */
async function onDisk(root: string): Promise<Pick<FileSourceFixture, 'put' | 'get' | 'putDenied'>> {
  const owner = isRoot ? await account(SERVER_USER) : undefined;
  const put = async (path: string, content: Uint8Array) => {
    const first = await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
    if (!owner) return;
    for (let at = join(root, path); at.length >= (first ?? join(root, path)).length; at = dirname(at))
      await chown(at, owner.uid, owner.gid);
  };
  return {
    put,
    get: (path) => readFile(join(root, path)).catch(() => undefined),
    async putDenied() {
      await put('denied.csv', new Uint8Array(10));
      await chmod(join(root, 'denied.csv'), 0);
      return 'denied.csv';
    },
  };
}

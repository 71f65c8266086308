/** proftpd, one server for each kind of encryption. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificate, type TestCertificate } from './certificate.ts';
import {
  account,
  freePorts,
  isRoot,
  LOOPBACK,
  missing,
  run,
  SERVER_USER,
  serverFolder,
  startServer,
} from './processes.ts';

const PASSIVE_PORTS = 12;

export interface FtpServer {
  port: number;
  user: string;
  password: string;
  /** The folder it serves. */
  files: string;
  certificate: TestCertificate;
  /** Control and passive ports, for a proxy. */
  ports: number[];
  /** Ends, with the transfers that go on; the files stay. */
  down(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
}

export const proftpdMissing = () => missing('/usr/sbin/proftpd', '/usr/lib/proftpd/mod_tls.so');

/** `facts: false` makes it hide MLSD and MLST, like the many old servers that do not have them. `rate`: kilobytes a second of what is fetched. */
export async function startFtpServer(
  tls: 'none' | 'explicit' | 'implicit',
  options: { facts?: boolean; rate?: number } = {},
): Promise<FtpServer> {
  const { folder, files, remove } = await serverFolder('proftpd');
  const certificate = await makeCertificate(folder);
  const port = await freePorts(1 + PASSIVE_PORTS);
  const password = 'Pass word-€1';
  const { uid, gid } = await account(SERVER_USER);
  const hash = (await run('openssl', ['passwd', '-6', password])).trim();
  const users = join(folder, 'users');
  await writeFile(users, `granary:${hash}:${uid}:${gid}::${files}:/bin/false\n`, { mode: 0o600 });
  const settings = [
    'ServerName test',
    'ServerType standalone',
    `DefaultAddress ${LOOPBACK}`,
    `Port ${port}`,
    'SocketBindTight on',
    'UseIPv6 off',
    'UseReverseDNS off',
    `PassivePorts ${port + 1} ${port + PASSIVE_PORTS}`,
    ...(isRoot ? [`User ${SERVER_USER}`, 'Group nogroup', 'DefaultRoot ~'] : []),
    `AuthUserFile ${users}`,
    'AuthOrder mod_auth_file.c',
    'RequireValidShell off',
    `PidFile ${join(folder, 'pid')}`,
    `ScoreboardFile ${join(folder, 'scoreboard')}`,
    `SystemLog ${join(folder, 'log')}`,
    'TransferLog none',
    'WtmpLog off',
    'DelayEngine off',
    'AllowOverwrite on',
    'MaxLoginAttempts 1',
    ...(options.rate === undefined ? [] : [`TransferRate RETR ${options.rate}`]),
    ...(options.facts === false ? ['FactsAdvertise off'] : []),
    ...(tls === 'none' ? [] : tlsSettings(tls, certificate)),
  ];
  const configuration = join(folder, 'proftpd.conf');
  await writeFile(configuration, `${settings.join('\n')}\n`);
  let server: { stop(): Promise<void> } | undefined;
  const up = async () => {
    server = await startServer('/usr/sbin/proftpd', ['--nodaemon', '--config', configuration], { port });
  };
  const down = async () => {
    await server?.stop();
    server = undefined;
  };
  await up();
  return {
    port,
    user: 'granary',
    password,
    files,
    certificate,
    ports: Array.from({ length: 1 + PASSIVE_PORTS }, (_, i) => port + i),
    up,
    down,
    async stop() {
      await down();
      await remove();
    },
  };
}

function tlsSettings(tls: 'explicit' | 'implicit', { certificate, key }: TestCertificate): string[] {
  return [
    'LoadModule mod_tls.c',
    'TLSEngine on',
    'TLSRequired on',
    'TLSProtocol TLSv1.2 TLSv1.3',
    `TLSECCertificateFile ${certificate}`,
    `TLSECCertificateKeyFile ${key}`,
    ...(tls === 'implicit' ? ['TLSOptions UseImplicitSSL'] : []),
  ];
}

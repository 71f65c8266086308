/**
 * Wall time of a transfer with SHA-256 and a local copy, against the command-line tool that only copies: FTP against curl, SFTP
 * against OpenSSH's sftp. Real servers on loopback, in alternation. `node bench/transfer.ts [megabytes]`
 */
import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { chmod, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ftp } from '../src/connectors/ftp.ts';
import { sftp } from '../src/connectors/sftp.ts';
import type { FileSource } from '../src/ports/connector.ts';
import { opener } from '../test/contracts/opener.ts';
import { LOOPBACK, run } from '../test/servers/processes.ts';
import { startFtpServer } from '../test/servers/proftpd.ts';
import { startSshServer } from '../test/servers/sshd.ts';

const ROUNDS = 3;
const LIMITS = { ftp: 1.7, 'ftp with TLS': 1.7, sftp: 1.6 };
const megabytes = Number(process.argv[2] ?? 400);
const folder = await mkdtemp(join(tmpdir(), 'granary-transfer-'));
const target = join(folder, 'copy');

try {
  console.log(`${megabytes} MB, ${ROUNDS} rounds in alternation, seconds of wall time`);
  await benchFtp('ftp', 'none');
  await benchFtp('ftp with TLS', 'explicit');
  await benchSftp();
} finally {
  await rm(folder, { recursive: true });
}

async function benchFtp(name: 'ftp' | 'ftp with TLS', tls: 'none' | 'explicit'): Promise<void> {
  const server = await startFtpServer(tls);
  const { port, user, password, files, certificate } = server;
  try {
    const sha256 = await makeFile(join(files, 'big.bin'));
    const source = await opener(ftp)({ host: LOOPBACK, port, user, password, tls, ca_file: certificate.certificate });
    const secure = tls === 'none' ? [] : ['--ssl-reqd', '--cacert', certificate.certificate];
    const url = `ftp://${LOOPBACK}:${port}/big.bin`;
    const curl = ['-sS', ...secure, '-u', `${user}:${password}`, '-o', target, url];
    await compare(
      name,
      'curl',
      () => run('curl', curl),
      () => copy(source, sha256),
    );
    await source.close();
  } finally {
    await server.stop();
  }
}

async function benchSftp(): Promise<void> {
  const server = await startSshServer();
  const { port, user, privateKey, hostKeys, files } = server;
  try {
    const sha256 = await makeFile(join(files, 'big.bin'));
    const connection = { host: LOOPBACK, port, user, private_key_file: privateKey };
    const source = await opener(sftp)({ ...connection, host_key: hostKeys.ed25519, root: files });
    const trusting = ['-oStrictHostKeyChecking=no', '-oUserKnownHostsFile=/dev/null', '-oLogLevel=ERROR'];
    const program = [
      '-q',
      ...trusting,
      '-i',
      privateKey,
      '-P',
      String(port),
      `${user}@${LOOPBACK}:${files}/big.bin`,
      target,
    ];
    await compare(
      'sftp',
      'OpenSSH sftp',
      () => run('sftp', program),
      () => copy(source, sha256),
    );
    await source.close();
  } finally {
    await server.stop();
  }
}

/** Prints both medians and their ratio, and fails the process when it is above the limit. */
async function compare(
  name: keyof typeof LIMITS,
  tool: string,
  theirs: () => Promise<unknown>,
  ours: () => Promise<unknown>,
): Promise<void> {
  const [theirTimes, ourTimes]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    theirTimes.push(await secondsOf(theirs));
    ourTimes.push(await secondsOf(ours));
  }
  const ratio = median(ourTimes) / median(theirTimes);
  const shown = (times: number[]) => times.map((t) => t.toFixed(2)).join(' ');
  const verdict = ratio <= LIMITS[name] ? 'within' : 'ABOVE';
  console.log(
    `${name}: ${tool} ${shown(theirTimes)}; granary ${shown(ourTimes)}; ratio ${ratio.toFixed(2)}, ${verdict} ${LIMITS[name]}`,
  );
  if (ratio > LIMITS[name]) process.exitCode = 1;
}

async function secondsOf(transfer: () => Promise<unknown>): Promise<number> {
  await rm(target, { force: true });
  const start = performance.now();
  await transfer();
  return (performance.now() - start) / 1000;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** What landing does: the bytes to a file, and their hash while the disk works. */
async function copy(source: FileSource, sha256: string): Promise<void> {
  await using file = await open(target, 'w');
  const hash = createHash('sha256');
  for await (const chunk of source.read('big.bin')) {
    const written = file.write(chunk);
    hash.update(chunk);
    await written;
  }
  assert.equal(hash.digest('hex'), sha256);
}

/** Bytes that no transfer can compress; returns their SHA-256. */
async function makeFile(path: string): Promise<string> {
  await using file = await open(path, 'w');
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16));
  const hash = createHash('sha256');
  const zeros = Buffer.alloc(1_000_000);
  for (let i = 0; i < megabytes; i++) {
    const chunk = cipher.update(zeros);
    hash.update(chunk);
    await file.write(chunk);
  }
  await chmod(path, 0o644);
  return hash.digest('hex');
}

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Measured } from './measure.ts';
import { type OpenpgpConfig, openpgp } from './openpgp.ts';
import { GpgHome, input, whyNoGpg } from './test-gpg.ts';
import { encryptWithPassphrase } from './write.ts';

const LOCK = 'correct horse';
const MB = 1e6;

/** Rows that compress about as well as real ones; `bytes` or a little more. */
async function* rows(bytes: number): AsyncGenerator<Buffer> {
  for (let made = 0; made < bytes; ) {
    const chunk = Buffer.from(
      `${made},${randomBytes(30_000)
        .toString('hex')
        .replace(/(.{60})/g, '$1,10.50,2026-11-19\n')}`,
    );
    made += chunk.length;
    yield chunk;
  }
}

test('a message of 100 MB is decrypted in less than 50 MB of memory', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pgp-'));
  try {
    const path = join(folder, 'sales.csv.pgp');
    await writeFile(path, encryptWithPassphrase(rows(100 * MB), LOCK));
    const script = join(import.meta.dirname, 'measure.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [script, path, LOCK]);
    const measured: Measured = JSON.parse(stdout);
    assert.ok(measured.bytes >= 100 * MB);
    assert.ok(measured.peakBytes < 50 * MB, `${measured.peakBytes} bytes`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('streams of gpg', { skip: whyNoGpg() }, () => {
  test('what gpg encrypts from a pipe, in parts, of a length nobody knew, is decrypted byte for byte', async () => {
    const gpg = new GpgHome();
    try {
      const args = ['--homedir', gpg.folder, '--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', LOCK];
      const child = spawn('gpg', [...args, '--symmetric'], { stdio: ['pipe', 'pipe', 'ignore'] });
      const [sent, received] = [createHash('sha256'), createHash('sha256')];
      async function* plain() {
        for await (const chunk of rows(20 * MB)) {
          sent.update(chunk);
          yield chunk;
        }
      }
      const sending = pipeline(Readable.from(plain()), child.stdin);
      const config = { passphrase: LOCK } as OpenpgpConfig;
      for await (const member of openpgp.decode(input(child.stdout), config, { scratch: '' }))
        for await (const chunk of member.body) received.update(chunk);
      await sending;
      if (child.exitCode === null) await once(child, 'exit');
      assert.equal(received.digest('hex'), sent.digest('hex'));
    } finally {
      gpg.close();
    }
  });
});

test('a reader who stops early leaves nothing open', async () => {
  let closed = false;
  async function* source() {
    try {
      yield* encryptWithPassphrase(rows(2 * MB), LOCK);
    } finally {
      closed = true;
    }
  }
  for await (const member of openpgp.decode(input(source()), { passphrase: LOCK } as OpenpgpConfig, { scratch: '' })) {
    for await (const _ of member.body) break;
  }
  assert.ok(closed);
});

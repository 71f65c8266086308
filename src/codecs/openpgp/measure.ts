/**
 * Decrypts a file and tells what that took, to be compared with gpg's time for the same file:
 *   node src/codecs/openpgp/measure.ts sales.csv.pgp PASSPHRASE
 *   time gpg --batch --pinentry-mode loopback --passphrase PASSPHRASE --output /dev/null --decrypt sales.csv.pgp
 */
import { open } from 'node:fs/promises';
import { type OpenpgpConfig, openpgp } from './openpgp.ts';

export interface Measured {
  /** Decrypted. */
  bytes: number;
  seconds: number;
  /** Resident memory at its highest, less what the process had before. */
  peakBytes: number;
}

export async function measure(path: string, config: Partial<OpenpgpConfig>): Promise<Measured> {
  const before = process.memoryUsage.rss();
  const start = performance.now();
  let [bytes, peak] = [0, before];
  const input = { name: path, stream: () => readInto(path, Buffer.alloc(2 ** 20)), file: async () => path };
  for await (const member of openpgp.decode(input, config as OpenpgpConfig, { scratch: '' })) {
    for await (const chunk of member.body) {
      bytes += chunk.length;
      peak = Math.max(peak, process.memoryUsage.rss());
    }
  }
  return { bytes, seconds: (performance.now() - start) / 1000, peakBytes: peak - before };
}

/** One buffer for the whole file, so that the memory measured is the codec's. */
async function* readInto(path: string, chunk: Buffer): AsyncGenerator<Buffer> {
  await using file = await open(path);
  for (;;) {
    const { bytesRead } = await file.read(chunk);
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
  }
}

if (import.meta.main) {
  const [path, passphrase] = process.argv.slice(2);
  process.stdout.write(`${JSON.stringify(await measure(path!, { passphrase }))}\n`);
}

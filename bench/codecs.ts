/**
 * How long each codec takes, divided by its command-line tool's time in the same minute: `npx node bench/codecs.ts [codec…]`.
 * Both read the same file from the page cache and throw their output away; they take turns, and the best of the rounds counts.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { bzip2 } from '../src/codecs/bzip2.ts';
import { gzip } from '../src/codecs/gzip.ts';
import { tar } from '../src/codecs/tar.ts';
import { zip } from '../src/codecs/zip.ts';
import { zstd } from '../src/codecs/zstd.ts';
import type { AnyCodec } from '../src/ports/codec.ts';
import { DEFAULT_LIMITS, unpack } from '../src/stages/verify/unpack/unpack.ts';

const DATA = join(import.meta.dirname, '.data');
const ROUNDS = 3;
const PASSPHRASE = 'bench';

interface Case {
  name: string;
  tools: string[];
  /** Makes `$out` of `$in`, in the shell. */
  pack: string;
  /** Unpacks `$out` to standard output, in the shell. */
  unpack: string;
  megabytes: number;
  codecs: { codec: AnyCodec; config?: object }[];
  /** Largest ratio that we accept. */
  target?: number;
}

async function cases(): Promise<Case[]> {
  const gpg = `gpg --batch --quiet --pinentry-mode loopback --passphrase ${PASSPHRASE}`;
  const list: Case[] = [
    {
      name: 'gzip',
      tools: ['gzip'],
      pack: 'gzip -c $in > $out',
      unpack: 'gzip -dc $out',
      megabytes: 300,
      codecs: [{ codec: gzip }],
      target: 0.6,
    },
    {
      name: 'zstd',
      tools: ['zstd'],
      pack: 'zstd -q -c $in > $out',
      unpack: 'zstd -q -dc $out',
      megabytes: 300,
      codecs: [{ codec: zstd }],
      target: 1.3,
    },
    {
      name: 'zip',
      tools: ['zip', 'unzip'],
      pack: 'zip -q -j $out.zip $in && mv $out.zip $out',
      unpack: 'unzip -p $out',
      megabytes: 300,
      codecs: [{ codec: zip }],
    },
    {
      name: 'tgz',
      tools: ['tar', 'gzip'],
      pack: 'tar -czf $out -C $(dirname $in) $(basename $in)',
      unpack: 'tar -xzOf $out',
      megabytes: 300,
      codecs: [{ codec: gzip }, { codec: tar }],
    },
    {
      name: 'bzip2',
      tools: ['bzip2'],
      pack: 'bzip2 -c $in > $out',
      unpack: 'bzip2 -dc $out',
      megabytes: 60,
      codecs: [{ codec: bzip2 }],
    },
  ];
  const openpgpModule = join(import.meta.dirname, '../src/codecs/openpgp/openpgp.ts');
  if (existsSync(openpgpModule)) {
    const { openpgp } = await import(openpgpModule);
    const config = { passphrase: PASSPHRASE };
    list.push({
      name: 'openpgp',
      tools: ['gpg'],
      pack: `${gpg} --compress-algo none -o $out -c $in`,
      unpack: `${gpg} -d $out`,
      megabytes: 300,
      codecs: [{ codec: openpgp, config }],
      target: 3.2,
    });
  }
  return list;
}

/** A CSV of about `megabytes`, always the same; it compresses about as well as real ones. */
async function sampleFile(megabytes: number): Promise<string> {
  const path = join(DATA, `sample-${megabytes}.csv`);
  if (existsSync(path)) return path;
  async function* lines() {
    yield 'id,sold_at,store,sku,quantity,price,payment,note\n';
    let state = 1;
    const random = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let id = 0, bytes = 0; bytes < megabytes * 1e6; ) {
      let block = '';
      for (let i = 0; i < 1_000; i++, id++) {
        const day = String(random(28) + 1).padStart(2, '0');
        const price = (random(10_000) / 100).toFixed(2);
        block += `${id},2026-11-${day},store-${random(400)},SKU${random(20_000)},${random(9)},${price},${random(3) ? 'CARD' : 'CASH'},note ${random(1e9)}\n`;
      }
      bytes += block.length;
      yield block;
    }
  }
  await pipeline(lines(), createWriteStream(`${path}.part`));
  await rename(`${path}.part`, path);
  return path;
}

const shell = (command: string, env: Record<string, string>) =>
  execFileSync('sh', ['-c', command], { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] });

async function seconds(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Unpacks as a stage does, limits and all; returns how many bytes came out. */
async function ours(file: string, codecs: Case['codecs'], scratch: string): Promise<number> {
  const steps = codecs.map(({ codec, config }) => ({
    codec,
    config: codec.spec.parse(config ?? {}, [], { issues: [] }),
  }));
  const open = () => createReadStream(file, { highWaterMark: 2 ** 20 });
  let bytes = 0;
  for await (const member of unpack({ name: 'sample', open, file, steps, scratch, limits: DEFAULT_LIMITS })) {
    for await (const chunk of member.body) bytes += chunk.length;
  }
  return bytes;
}

async function measure(c: Case, scratch: string): Promise<string> {
  const absent = c.tools.filter((tool) => spawnSync('which', [tool]).status !== 0);
  if (absent.length > 0) return `${c.name.padEnd(8)}  not installed: ${absent.join(', ')}`;
  const input = await sampleFile(c.megabytes);
  const packed = join(DATA, `sample-${c.megabytes}.${c.name}`);
  const env = { in: input, out: packed, GNUPGHOME: scratch };
  if (!existsSync(packed)) shell(c.pack, env);

  const theirs: number[] = [];
  const mine: number[] = [];
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    theirs.push(await seconds(() => shell(c.unpack, env)));
    mine.push(
      await seconds(async () => {
        bytes = await ours(packed, c.codecs, scratch);
      }),
    );
  }
  const expected = (await stat(input)).size;
  if (bytes !== expected) throw new Error(`${c.name}: ${bytes} bytes came out, expected ${expected}`);
  const [tool, granary] = [Math.min(...theirs), Math.min(...mine)];
  const verdict =
    c.target === undefined ? '' : `${c.target.toFixed(1)}  ${granary / tool <= c.target ? 'ok' : 'TOO SLOW'}`;
  const cells = [
    `${tool.toFixed(2)} s`,
    `${granary.toFixed(2)} s`,
    `${(bytes / 1e6 / granary).toFixed(0)} MB/s`,
    (granary / tool).toFixed(2),
  ];
  return `${c.name.padEnd(8)}${cells.map((cell) => cell.padStart(11)).join('')}     ${verdict}`;
}

async function main(): Promise<void> {
  const names = process.argv.slice(2);
  await mkdir(DATA, { recursive: true });
  const scratch = await mkdtemp(join(tmpdir(), 'granary-bench-'));
  try {
    process.stdout.write('codec          tool    granary                 ratio     target\n');
    for (const c of await cases()) {
      if (names.length === 0 || names.includes(c.name)) process.stdout.write(`${await measure(c, scratch)}\n`);
    }
  } finally {
    spawnSync('gpgconf', ['--kill', 'all'], { env: { ...process.env, GNUPGHOME: scratch } });
    await rm(scratch, { recursive: true, force: true });
  }
}

await main();

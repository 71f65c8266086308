/** Help for the tests of codecs: ordinary tools to make files with, and streams cut at chosen places. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Issue } from '../../lib/spec/spec.ts';
import type { AnyCodec, CodecInput } from '../../ports/codec.ts';

/** For a test's `skip`: the reason when a tool is not installed. With CI set nothing is skipped, and the test fails instead. */
export function missing(...tools: string[]): string | false {
  if (process.env['CI']) return false;
  const absent = tools.filter((tool) => spawnSync('which', [tool]).status !== 0);
  return absent.length > 0 && `not installed: ${absent.join(', ')}`;
}

/** A folder that is removed after the test. */
export function scratchFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'granary-codecs-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a tool writes to its standard output, given `input`. */
export function tool(command: string, args: string[], input?: Uint8Array, cwd?: string): Buffer {
  return execFileSync(command, args, { input, cwd, maxBuffer: 2 ** 30, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** `bytes` as a stream of chunks of `size` bytes. */
export async function* pieces(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The codec's defaults. */
export function configOf(codec: AnyCodec, config: object = {}) {
  const issues: Issue[] = [];
  const parsed = codec.spec.parse(config, [], { issues });
  if (issues.length > 0) throw new Error(issues[0]!.message);
  return parsed;
}

export interface DecodeOptions {
  name?: string;
  /** Chunk size of the input. */
  size?: number;
  config?: object;
}

/** All members of a stream, by name. */
export async function decodeAll(
  codec: AnyCodec,
  bytes: Uint8Array,
  { name = 'input', size, config }: DecodeOptions = {},
): Promise<Record<string, Buffer>> {
  const input: CodecInput = {
    name,
    stream: () => pieces(bytes, size),
    file: () => Promise.reject(new Error('this codec is expected to stream')),
  };
  const members: Record<string, Buffer> = {};
  for await (const member of codec.decode(input, configOf(codec, config), { scratch: '' })) {
    members[member.name] = await collect(member.body);
  }
  return members;
}

/** The content of the only member. */
export async function decodeOne(codec: AnyCodec, bytes: Uint8Array, options?: DecodeOptions): Promise<Buffer> {
  const members = Object.values(await decodeAll(codec, bytes, options));
  if (members.length !== 1) throw new Error(`expected one member, found ${members.length}`);
  return members[0]!;
}

/** Bytes that do not compress, always the same. */
export function noise(bytes: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(bytes));
}

/** Rows of a CSV, the same for the same arguments, that compress about as well as real ones. */
export function sampleCsv(rows: number): Buffer {
  const lines = ['id,day,store,sku,quantity,price'];
  for (let i = 0; i < rows; i++) {
    const noise = Math.imul(i + 1, 2_654_435_761) >>> 0;
    lines.push(
      `${i},2026-11-${(noise % 28) + 1},store-${noise % 401},SKU${(noise >>> 7) % 20_011},${(noise % 9) + 1},${(noise % 9_973) / 100}`,
    );
  }
  return Buffer.from(`${lines.join('\n')}\n`);
}

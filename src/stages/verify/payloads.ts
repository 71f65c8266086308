/** Payloads: the plain files inside an object, after unpacking and decoding, each counted while it streams by. */
import { createHash, type Hash } from 'node:crypto';
import { resolve } from 'node:path';
import { GranaryError } from '../../lib/errors.ts';
import { decodeText, needsDecoding, type TextEncoding } from '../../lib/text-decode.ts';
import type { ObjectDoc } from '../../model/objects.ts';
import type { PayloadFacts, RecordCounter } from '../../ports/format.ts';
import type { Dataset } from '../../project/project.ts';
import { datasetOf, type StageContext } from '../context.ts';
import { formatConfig } from '../format-config.ts';
import { payloadHeader } from '../payload-header.ts';
import { sourceColumns } from './header.ts';
import { unpack } from './unpack/unpack.ts';

export interface Payload {
  /** Name of the member within an archive; the file's name without its endings otherwise. */
  name: string;
  /** Key of the bytes: the landed object itself where there was nothing to unpack or decode. */
  key: string;
  bytes: number;
  facts: PayloadFacts;
  /** Key of the format's index, if it made one. */
  index: string | null;
  /** Names of its columns, where it has a header. */
  header: string[] | null;
  /** The last line that is not blank, at most 64 KiB of it, for text formats. */
  lastLine: string | null;
}

export interface Unpacked {
  payloads: Payload[];
  /** Hex digests of the received bytes, as asked for. */
  digests: Record<string, string>;
}

/**
 * Streams the object once: received bytes → digests → codecs → text decoding → payload and counter.
 * Memory is bounded whatever the size. Errors of the codecs pass through (`codec.*`, terminal).
 */
export async function makePayloads(
  object: ObjectDoc,
  dataset: Dataset,
  digests: string[],
  scratch: string,
  context: StageContext,
): Promise<Unpacked> {
  const format = context.formats.get(dataset.format.type)!;
  const config = formatConfig(dataset);
  const parts = dataset.parts.map((p) => formatConfig(datasetOf(context, `${dataset.tenant}/${dataset.source}/${p}`)));
  const hashes = new Map<string, Hash>(digests.map((d) => [d, createHash(d)]));
  const finishDigests = () => Object.fromEntries([...hashes].map(([name, hash]) => [name, hash.digest('hex')]));
  const received = async function* () {
    let done = 0;
    for await (const chunk of await context.objects.get(object.key)) {
      for (const hash of hashes.values()) hash.update(chunk);
      done += chunk.length;
      context.progress({ what: `verifying ${object.file}`, done, total: object.bytes, unit: 'bytes' });
      yield chunk;
    }
  };
  const encoding = ((config as { encoding?: TextEncoding }).encoding ?? 'utf-8') as TextEncoding;
  const asLanded =
    dataset.unpack.length === 0 &&
    (format.content === 'binary' || !(await needsDecoding(encoding, await firstBytes(context, object.key))));
  if (asLanded) {
    const tail = new Tail();
    const counter = format.count(config, parts);
    for await (const chunk of received()) {
      if (format.content === 'text') {
        counter.push(chunk);
        tail.push(chunk);
      }
    }
    const payload = await finishPayload(
      context,
      object,
      dataset,
      counter,
      { name: object.file, key: object.key, bytes: object.bytes, ordinal: 0 },
      tail,
    );
    return { payloads: [payload], digests: finishDigests() };
  }
  const payloads: Payload[] = [];
  const {
    unpacked_max_bytes: maxBytes,
    unpacked_max_ratio: maxRatio,
    unpacked_max_members: maxMembers,
  } = dataset.config.verify;
  const members = unpack({
    name: object.file,
    open: received,
    ...(context.objects.capabilities.localFiles && { file: await context.objects.localPath(object.key) }),
    steps: dataset.unpack.map((step) => ({
      codec: context.codecs.get(step.type)!,
      config: withAbsolutePaths(step, context.project.dir),
    })),
    scratch,
    limits: { maxBytes, maxRatio, maxMembers },
    signal: context.signal,
  });
  for await (const member of members) {
    const ordinal = payloads.length;
    const key = `payloads/${object.id}/${ordinal}`;
    const tail = new Tail();
    const counter = format.count(config, parts);
    let bytes = 0;
    const text = format.content === 'text' ? decodeText(member.body, encoding) : member.body;
    const counted = async function* () {
      for await (const chunk of text) {
        bytes += chunk.length;
        if (format.content === 'text') {
          counter.push(chunk);
          tail.push(chunk);
        }
        yield chunk;
      }
    };
    await context.objects.put(key, counted(), { replace: true });
    payloads.push(
      await finishPayload(context, object, dataset, counter, { name: member.name, key, bytes, ordinal }, tail),
    );
  }
  if (payloads.length === 0)
    throw new GranaryError('format.empty', `${object.file} holds no file.`, { where: { object: object.id } });
  if (hashes.size > 0) for await (const _ of received()) void _;
  return { payloads, digests: finishDigests() };
}

/** Fields that name files (`…_file`), one or a list of them, are relative to the project. */
export function withAbsolutePaths(config: Record<string, unknown>, dir: string): Record<string, unknown> {
  const absolute = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(absolute);
    return typeof value === 'string' ? resolve(dir, value) : value;
  };
  return Object.fromEntries(Object.entries(config).map(([k, v]) => [k, k.endsWith('_file') ? absolute(v) : v]));
}

async function finishPayload(
  context: StageContext,
  object: ObjectDoc,
  dataset: Dataset,
  counter: RecordCounter,
  of: { name: string; key: string; bytes: number; ordinal: number },
  tail: Tail,
): Promise<Payload> {
  const path = await context.objects.localPath(of.key);
  const { facts, index } = await counter.finish(path);
  const indexKey = index ? `payloads/${object.id}/${of.ordinal}.index` : null;
  if (index && indexKey) await context.objects.put(indexKey, index, { replace: true });
  const sources = sourceColumns(dataset).map((c) => c.source);
  const { content } = context.formats.get(dataset.format.type)!;
  return {
    name: of.name,
    key: of.key,
    bytes: of.bytes,
    facts,
    index: indexKey,
    header: await payloadHeader(context, dataset, path, sources),
    lastLine: content === 'text' ? (tail.lastLine() ?? null) : null,
  };
}

async function firstBytes(context: StageContext, key: string): Promise<Uint8Array> {
  for await (const chunk of await context.objects.get(key, { offset: 0, length: 4 })) return chunk;
  return new Uint8Array();
}

const TAIL_BYTES = 64 * 1024;

/** The last 64 KiB of a stream. */
class Tail {
  private kept = Buffer.alloc(0);

  push(chunk: Uint8Array): void {
    if (chunk.length >= TAIL_BYTES) this.kept = Buffer.from(chunk.subarray(chunk.length - TAIL_BYTES));
    else this.kept = Buffer.concat([this.kept, chunk]).subarray(-TAIL_BYTES);
  }

  lastLine(): string | undefined {
    const lines = this.kept.toString('utf8').split(/\r\n|\n|\r/);
    return lines.findLast((l) => l.trim() !== '');
  }
}

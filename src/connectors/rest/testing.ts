/** For tests: extractions from configurations as a user writes them, and the pages that landed. */
import assert from 'node:assert/strict';
import { extractOnce, type MemorySink, parseAll } from '../../../test/support/extracting.ts';
import { tar } from '../../codecs/tar.ts';
import type { Issue } from '../../lib/spec/spec.ts';
import type { Extracted, ExtractSource, Position } from '../../ports/extract.ts';
import { rest } from '../rest.ts';
import type { RestConfig } from './config.ts';
import type { RestRead } from './read.ts';

export function configOf(written: Record<string, unknown>): RestConfig {
  return parseAll(rest.spec, { timeout: '20 s', ...written });
}

export function open(written: Record<string, unknown>, dataDir?: string): Promise<ExtractSource<RestRead>> {
  return rest.open(configOf(written), { projectDir: '/tmp', ...(dataDir !== undefined && { dataDir }) });
}

export interface Landed {
  /** By the names of the archive's members, without the log. */
  pages: Map<string, string>;
  log: string;
  complete: boolean;
  /** As the source stated. */
  rows: number | undefined;
}

export interface Read {
  extracted: Extracted;
  landed: Landed | undefined;
  warnings: string[];
}

export interface Reading {
  config: Record<string, unknown>;
  read: unknown;
  position?: Position | undefined;
  full?: boolean;
  sink?: MemorySink;
  now?: number;
  signal?: AbortSignal;
  dataDir?: string;
}

/** One extraction by a connection of its own. */
export async function readOnce({ config, read, dataDir, ...rest_ }: Reading): Promise<Read> {
  const parsed = parseAll(rest.read, read);
  assert.deepEqual(rest.describe(parsed, configOf(config)).problems ?? [], []);
  const source = await open(config, dataDir);
  try {
    const dataset = { name: 'contacts', read: parsed, columns: [] };
    const { extracted, object, warnings } = await extractOnce(source, { dataset, ...rest_ });
    const landed = object && {
      ...(await unpacked(object.bytes)),
      complete: object.complete,
      rows: object.declared?.rows,
    };
    return { extracted, landed, warnings };
  } finally {
    await source.close();
  }
}

async function unpacked(bytes: Buffer): Promise<Pick<Landed, 'pages' | 'log'>> {
  const input = {
    name: 'landed.tar',
    async *stream() {
      yield bytes;
    },
  };
  const pages = new Map<string, string>();
  let log = '';
  for await (const { name, body } of tar.decode(input as never, { members: ['**'] }, {} as never)) {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(Buffer.from(chunk));
    const text = Buffer.concat(chunks).toString();
    if (name.endsWith('.log')) log += text;
    else pages.set(name, text);
  }
  return { pages, log };
}

/** Reads of two lists that the server serves page by page. */
export const BY_OFFSET = {
  path: '/offset',
  records: 'data',
  total: 'meta.total',
  pagination: { type: 'offset', size_parameter: 'limit', size: 10 },
};
export const BY_CURSOR = {
  path: '/cursor',
  records: 'data',
  pagination: { type: 'cursor', next: 'meta.next', size_parameter: 'limit', size: 10 },
};

/** Records in all pages, in order. */
export function recordsOf(landed: Landed | undefined, path = 'data'): { id: number; [field: string]: unknown }[] {
  return [...(landed?.pages.values() ?? [])].flatMap((text) => {
    const page = JSON.parse(text);
    return Array.isArray(page) ? page : page[path];
  });
}

/** Ids from 1 to `last`, each once. */
export function assertAll(landed: Landed | undefined, last: number): void {
  const ids = recordsOf(landed).map((r) => r.id);
  assert.deepEqual(
    ids,
    Array.from({ length: last }, (_, i) => i + 1),
  );
}

/** What is wrong with a `read`, or with its own settings. */
export function problemsIn(read: unknown, config: Record<string, unknown> = { base: 'http://localhost' }): string[] {
  const issues: Issue[] = [];
  const parsed = rest.read.parse(read, [], { issues });
  if (issues.length > 0) return issues.map((i) => i.message);
  return (rest.describe(parsed as RestRead, configOf(config)).problems ?? []).map(
    (p) => `${p.path.join('.')}: ${p.message}`,
  );
}

/** What the beginning of a JSON document shows: where its records are and which columns they have. */
import { open } from 'node:fs/promises';
import { eachElement, levelOf } from './document-reader.ts';
import { type LeafPath, LeafPaths } from './leaf-paths.ts';
import { formatPath, type PathStep } from './paths.ts';

export const SAMPLE_DOCUMENTS = 1000;
const HEAD_BYTES = 2 ** 20;

/** The parsed value, or undefined when the text is not JSON. */
export function parseLenient(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Columns of the first elements, after those around the records as far as they come before them. */
export async function documentLeaves(path: string, records: readonly PathStep[]): Promise<LeafPath[]> {
  const elements: { value: unknown; at: PathStep[] }[] = [];
  const splitter = await eachElement({ path, records }, ({ bytes, tooLong }, ordinal, root) => {
    const value = tooLong ? undefined : parseLenient(bytes);
    const at = levelOf(records, root) === 0 ? [] : records.slice(0, records.indexOf('each') + 1);
    if (value !== undefined) elements.push({ value, at });
    return ordinal < SAMPLE_DOCUMENTS;
  });
  const leaves = new LeafPaths(records);
  const envelope =
    splitter.root === 'object' && records.length > 0 ? (splitter.envelope ?? splitter.envelopeSoFar()) : undefined;
  if (envelope) leaves.add(parseLenient(envelope) ?? {});
  for (const { value, at } of elements) leaves.add(value, at);
  return leaves.leaves();
}

/**
 * Path of the first array of objects in a document that is an object, found by a look at its first megabyte; undefined when there is
 * none, or the document is an array itself.
 */
export async function firstArrayOfObjects(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return arrayOfObjectsIn(buffer.toString('utf8', 0, bytesRead));
  } finally {
    await file.close();
  }
}

const TOKEN = /"((?:[^"\\]|\\.)*)"\s*(:?)|[{}[\]]/gs;

/** Pure; exported for its test. */
export function arrayOfObjectsIn(head: string): string | undefined {
  /** The keys of the open objects; undefined for arrays. */
  const open: ({ key: string } | undefined)[] = [];
  let key = '';
  let previous = '';
  for (const m of head.matchAll(TOKEN)) {
    const token = m[0]![0]!;
    if (token === '"') {
      if (m[2] === ':') key = JSON.parse(`"${m[1]}"`) as string;
    } else if (token === '{' || token === '[') {
      if (open.length === 0 && token === '[') return undefined;
      if (token === '{' && previous === '[' && open.every((o) => o !== undefined || o === open.at(-1))) {
        return formatPath(open.slice(1).map((o) => o ?? { key }));
      }
      open.push(token === '{' ? { key } : undefined);
    } else open.pop();
    previous = token;
  }
  return undefined;
}

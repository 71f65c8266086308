/** Reads the elements of a JSON document in order: into rows, or as raw text. */
import type { ReadInput } from '../../ports/format.ts';
import { chunksOf } from '../lib/chunks.ts';
import { printable } from '../lib/lines.ts';
import { tooLong } from '../lib/rejects.ts';
import type { RowWriter } from '../lib/row-writer.ts';
import { DocumentSplitter, type Element } from './document-splitter.ts';
import { Flattener, planFlatten } from './flatten.ts';
import type { PathStep } from './paths.ts';
import { pathsOf, type RecordsConfig, recordsOf } from './records-field.ts';
import { jsonRejectOf, requireObject, requireUtf8 } from './rejects.ts';

export type Root = 'array' | 'object';

/** The keys that lead from the root of an object to the outermost array of the records. */
export function outerKeys(records: readonly PathStep[]): string[] | undefined {
  if (records.length === 0) return undefined;
  return records.slice(0, records.indexOf('each')).flatMap((step) => (step === 'each' ? [] : [step.key]));
}

/**
 * On which level of the records' path an element is: 0 when it is a document of its own, 1 when it is an element of the path's first
 * array.
 */
export function levelOf(records: readonly PathStep[], root: Root): 0 | 1 {
  return root === 'object' && records.length > 0 ? 1 : 0;
}

export interface ElementSource {
  path: string;
  records: readonly PathStep[];
  signal?: AbortSignal;
}

/** Calls `visit` for each element with its ordinal, from 1, until it returns false. Returns the splitter, finished if all was read. */
export async function eachElement(
  { path, records, signal }: ElementSource,
  visit: (element: Element, ordinal: number, root: Root) => boolean,
): Promise<DocumentSplitter> {
  let ordinal = 0;
  let going = true;
  const splitter = new DocumentSplitter(outerKeys(records), (element) => {
    ordinal++;
    going &&= visit(element, ordinal, splitter.root!);
  });
  for await (const chunk of chunksOf(path, signal)) {
    splitter.push(chunk);
    if (!going) return splitter;
  }
  splitter.finish();
  return splitter;
}

/** Writes the rows of a document; stops soon after `limit` rows. */
export async function parseDocument(input: ReadInput<RecordsConfig>, out: RowWriter, limit: number): Promise<void> {
  const records = recordsOf(input.config);
  const source = { path: input.path, records, signal: input.signal };
  const plan = planFlatten(pathsOf(input), records);
  const flattener = new Flattener(plan, out);
  if (records.length > 0 && plan.columns.some((c) => c.level === 0)) {
    const { root, envelope } = await eachElement(source, () => true);
    if (root === 'object') flattener.setOuter(envelope!);
  }
  await eachElement(source, ({ bytes, tooLong: isTooLong }, ordinal, root) => {
    const level = levelOf(records, root);
    if (isTooLong) out.reject(tooLong(ordinal, bytes));
    else {
      try {
        requireUtf8(bytes);
        if (level === 0) requireObject(bytes, 0, bytes.length);
        flattener.write(bytes, 0, bytes.length, ordinal, level);
      } catch (e) {
        out.reject(jsonRejectOf(e, ordinal, bytes));
      }
    }
    return out.rows.rows < limit;
  });
}

/** Raw text of elements by ordinal, ascending. */
export async function* rawElements(
  source: ElementSource,
  ordinals: number[],
): AsyncGenerator<{ line: number; raw: string | undefined }> {
  const found: { line: number; raw: string | undefined }[] = [];
  let next = 0;
  let ordinal = 0;
  const splitter = new DocumentSplitter(outerKeys(source.records), ({ bytes }) => {
    ordinal++;
    for (; ordinals[next] === ordinal; next++) found.push({ line: ordinal, raw: printable(bytes).trim() });
  });
  for await (const chunk of chunksOf(source.path, source.signal)) {
    splitter.push(chunk);
    yield* found.splice(0);
    if (next === ordinals.length) return;
  }
  splitter.finish();
  yield* found;
}

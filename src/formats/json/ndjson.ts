/** NDJSON (also called JSON Lines): one JSON object on each line. */
import { isUtf8 } from 'node:buffer';
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import type { Format, ReadInput } from '../../ports/format.ts';
import { isBlank, type Line, type LineBlock, lineBlocks, linesOf, rawLines } from '../lib/lines.ts';
import { parsedAttempt } from '../lib/parsed-attempt.ts';
import { tooLong } from '../lib/rejects.ts';
import type { RowWriter } from '../lib/row-writer.ts';
import { discoverJson } from './discover.ts';
import { Flattener, planFlatten } from './flatten.ts';
import { type LeafPath, LeafPaths } from './leaf-paths.ts';
import { NdjsonCounter } from './ndjson-counter.ts';
import type { PathStep } from './paths.ts';
import { namedLeaves, outsideField, pathsOf, recordsField, recordsOf } from './records-field.ts';
import { jsonRejectOf, requireObject, requireUtf8 } from './rejects.ts';
import { parseLenient, SAMPLE_DOCUMENTS } from './sample.ts';

const spec = s.object({ records: recordsField, outside: outsideField }, { doc: 'JSON objects, one on each line.' });
export type NdjsonConfig = Infer<typeof spec>;

export const ndjson: Format<NdjsonConfig> = {
  type: 'ndjson',
  title: 'NDJSON',
  extensions: ['.ndjson', '.jsonl'],
  spec,
  content: 'text',
  count: (config) => new NdjsonCounter(recordsOf(config)),
  async read(input) {
    return [
      parsedAttempt({
        input,
        name: 'parsed lines',
        parse: (out) => parseLines(input, out, Number.POSITIVE_INFINITY),
        rawText: (lines) => rawLines(input.path, lines),
      }),
    ];
  },
  async header({ path, config }) {
    const leaves = namedLeaves(await lineLeaves(path, recordsOf(config)), config);
    return leaves.length > 0 ? leaves.map((l) => l.path) : undefined;
  },
  async discover(input) {
    const config = { records: input.config.records, outside: input.config.outside };
    return await discoverJson({
      input,
      config,
      leaves: namedLeaves(await lineLeaves(input.path, recordsOf(config)), config),
      parse: parseLines,
    });
  },
};

/** Writes the rows of all lines; stops soon after `limit` rows. */
async function parseLines(input: ReadInput<NdjsonConfig>, out: RowWriter, limit: number): Promise<void> {
  const flattener = new Flattener(planFlatten(pathsOf(input), recordsOf(input.config)), out);
  for await (const block of lineBlocks(input.path, input.signal)) {
    if (block.tooLong) {
      out.reject(tooLong(block.firstLine, block.bytes));
      continue;
    }
    const valid = isUtf8(block.bytes);
    for (const line of linesOf(block)) {
      if (!isBlank(block.bytes, line.start, line.end)) parseLine(block, line, valid, flattener, out);
    }
    if (out.rows.rows >= limit) return;
  }
}

function parseLine(block: LineBlock, line: Line, valid: boolean, flattener: Flattener, out: RowWriter): void {
  const { bytes } = block;
  const { number, start, end } = line;
  try {
    if (!valid) requireUtf8(bytes.subarray(start, end));
    requireObject(bytes, start, end);
    flattener.write(bytes, start, end, number);
  } catch (e) {
    out.reject(jsonRejectOf(e, number, bytes.subarray(start, end)));
  }
}

/** Columns of the first lines. */
async function lineLeaves(path: string, records: readonly PathStep[]): Promise<LeafPath[]> {
  const leaves = new LeafPaths(records);
  let seen = 0;
  for await (const block of lineBlocks(path)) {
    if (block.tooLong) continue;
    for (const { start, end } of linesOf(block)) {
      const value = isBlank(block.bytes, start, end) ? undefined : parseLenient(block.bytes.subarray(start, end));
      if (value === undefined) continue;
      leaves.add(value);
      if (++seen === SAMPLE_DOCUMENTS) return leaves.leaves();
    }
  }
  return leaves.leaves();
}

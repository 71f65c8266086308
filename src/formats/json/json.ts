/** JSON documents of any size: an array of records, an object that holds one, or an object that is one record. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import type { Format, RecordCounter } from '../../ports/format.ts';
import { parsedAttempt } from '../lib/parsed-attempt.ts';
import { countRecords } from './count.ts';
import { discoverJson } from './discover.ts';
import { levelOf, outerKeys, parseDocument, rawElements } from './document-reader.ts';
import { DocumentSplitter } from './document-splitter.ts';
import type { PathStep } from './paths.ts';
import { namedLeaves, outsideField, recordsField, recordsOf } from './records-field.ts';
import { documentLeaves, firstArrayOfObjects } from './sample.ts';

const spec = s.object(
  { records: recordsField, outside: outsideField },
  { doc: 'A JSON document: an array of records, or an object.' },
);
export type JsonConfig = Infer<typeof spec>;

/** The line of a row is the ordinal, from 1, of its element of the outermost array. */
export const json: Format<JsonConfig> = {
  type: 'json',
  title: 'JSON',
  extensions: ['.json'],
  spec,
  content: 'text',
  count: (config) => documentCounter(recordsOf(config)),
  async read(input) {
    const source = { path: input.path, records: recordsOf(input.config), signal: input.signal };
    return [
      parsedAttempt({
        input,
        name: 'parsed document',
        parse: (out) => parseDocument(input, out, Number.POSITIVE_INFINITY),
        rawText: (lines) => rawElements(source, lines),
      }),
    ];
  },
  async header({ path, config }) {
    const leaves = namedLeaves(await documentLeaves(path, recordsOf(config)), config);
    return leaves.length > 0 ? leaves.map((l) => l.path) : undefined;
  },
  async discover(input) {
    const records = input.config.records ?? (await firstArrayOfObjects(input.path));
    const config = { records, outside: input.config.outside };
    const leaves = namedLeaves(await documentLeaves(input.path, recordsOf(config)), config);
    return await discoverJson({ input, config, leaves, parse: parseDocument });
  },
};

/** An element without further arrays to open is one record; the others are parsed to count theirs. */
function documentCounter(records: readonly PathStep[]): RecordCounter {
  let count = 0;
  const splitter = new DocumentSplitter(outerKeys(records), ({ bytes, tooLong }) => {
    const level = levelOf(records, splitter.root!);
    const steps = level === 0 ? records : records.slice(records.indexOf('each') + 1);
    count += tooLong || steps.length === 0 ? 1 : countRecords(bytes, steps, level === 0);
  });
  return {
    push: (chunk) => splitter.push(chunk),
    async finish() {
      splitter.finish();
      return { facts: { records: count } };
    },
  };
}

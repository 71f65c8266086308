/** XML: elements at a path are the rows, with values from in and around them. Entities and external files are never read. */
import type { Format, PayloadFacts } from '../ports/format.ts';
import { type XmlConfig, xmlSpec } from './xml/config.ts';
import { TagCounter } from './xml/count.ts';
import { discoverXml } from './xml/discover.ts';
import { malformed, type Place, placeOf, XmlError } from './xml/errors.ts';
import { xmlHeader } from './xml/header.ts';
import { findFault } from './xml/passes.ts';
import { planXml } from './xml/plan.ts';
import { xmlAttempts } from './xml/read.ts';
import { textOf } from './xml/text.ts';

export interface XmlFacts extends PayloadFacts {
  /** Records at each path that some dataset reads, by `record`. */
  byType: Record<string, number>;
  /** Where a document that is to be kept as far as it goes is not well-formed. */
  malformed?: Place;
}

/** The line of a row is that of its start tag; where several begin on one line, the ordinal of the record. */
export const xml: Format<XmlConfig> = {
  type: 'xml',
  title: 'XML',
  extensions: ['.xml'],
  spec: xmlSpec,
  // The document itself says how it is encoded.
  content: 'binary',
  count: (config, parts = []) => ({
    push() {},
    finish: async (path) => ({ facts: await count(path, [config, ...parts]) }),
  }),
  read: async (input) => xmlAttempts(input),
  header: xmlHeader,
  headerBySources: true,
  discover: discoverXml,
};

/** Throws `format.invalid` when the document is cut off, unless what is complete of it is to be kept. */
async function count(path: string, configs: readonly XmlConfig[]): Promise<XmlFacts> {
  const [config] = configs as [XmlConfig];
  const counter = new TagCounter(configs.map((c) => planXml(c, [])));
  let bytes = 0;
  for await (const chunk of textOf(path, config)) {
    counter.push(chunk);
    bytes += chunk.length;
  }
  const byType: Record<string, number> = {};
  configs.forEach((c, i) => {
    byType[c.record] = counter.counts[i]!;
  });
  if (configs.some((c) => c.malformed === 'keep_complete')) return await keepingComplete(path, configs, byType);
  if (counter.depth > 0 || counter.elements === 0) {
    // Where it begins to be wrong is for the parser to say.
    const fault = await findFault({ path, config });
    const error = fault?.error ?? new XmlError('the document ends before its root element does', bytes);
    throw malformed(error, await placeOf(textOf(path, config), error.offset));
  }
  return { records: byType[config.record]!, byType };
}

/** Of a document that is not well-formed at least one record is lost: the rest, if there are no elements in it. */
async function keepingComplete(
  path: string,
  configs: readonly XmlConfig[],
  byType: Record<string, number>,
): Promise<XmlFacts> {
  let place: Place | undefined;
  for (const config of configs) {
    const fault = await findFault({ path, config });
    if (!fault) continue;
    byType[config.record] = Math.max(byType[config.record]!, fault.complete + 1);
    place ??= await placeOf(textOf(path, config), fault.error.offset);
  }
  return { records: byType[configs[0]!.record]!, byType, ...(place && { malformed: place }) };
}

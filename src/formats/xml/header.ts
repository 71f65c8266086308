/** The columns that a document has: those of the contract that are in it, as the contract calls them, and what stands in its records besides. */
import type { HeaderInput } from '../../ports/format.ts';
import type { XmlConfig } from './config.ts';
import { type NameTest, parseColumnPath, parseRecordPath } from './paths.ts';
import type { Profile } from './profile.ts';
import { quickProfile } from './quick-profile.ts';
import { gatherColumns } from './tables.ts';

/** What of the records the contract takes. */
interface Taken {
  /** Elements whose text is taken, and that of all in them. */
  texts: Set<Profile>;
  attributes: Map<Profile, Set<string>>;
}

/** Undefined for a document without records. */
export async function xmlHeader(input: HeaderInput<XmlConfig>): Promise<string[] | undefined> {
  const { path, config, sources = [], others = [] } = input;
  const record = parseRecordPath(config.record)!;
  const root = await quickProfile(path, config, record.chain);
  if (!root) return undefined;
  const within = (profiles: Profile[], tests: readonly NameTest[]) =>
    tests.reduce((found, test) => found.flatMap((p) => [...p.children.values()].filter(matcher(test))), profiles);
  const at = (chain: readonly NameTest[]) => within([root].filter(matcher(chain[0]!)), chain.slice(1));
  const records = at(record.chain);
  const taken: Taken = { texts: new Set(), attributes: new Map() };
  const isThere = (source: string): boolean => {
    const column = parseColumnPath(source, record);
    if (typeof column === 'string') return false;
    const { level, steps, end } = column;
    if (end.kind === 'position') return true;
    const found = within(at(record.chain.slice(0, level + 1)), steps);
    if (end.kind === 'text') {
      for (const p of found) taken.texts.add(p);
      return found.length > 0;
    }
    const { local } = end.name;
    const holders = found.filter((p) => p.attributes.has(local) || p.foreign.has(local));
    for (const p of holders) taken.attributes.set(p, (taken.attributes.get(p) ?? new Set()).add(local));
    return holders.length > 0;
  };
  const known = sources.filter(isThere);
  const apart = new Set(others.flatMap((o) => at(parseRecordPath(o.record)!.chain)));
  const added = new Set(records.flatMap((p) => gatherColumns(p, (q) => apart.has(q) && q !== p, taken)));
  return [...known, ...added];
}

const matcher =
  ({ local }: NameTest) =>
  ({ name }: Profile): boolean =>
    local === '*' || local === name;

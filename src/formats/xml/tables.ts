/** From the elements of a document to tables: repeated elements are rows, and what occurs once in them is a column. Pure. */
import type { NameTest } from './paths.ts';
import type { Profile } from './profile.ts';

export interface Table {
  /** Path of the records, from below the root; with the root when that is the record. */
  record: string;
  /** Name of the record's element. */
  name: string;
  /** Steps from the root to the record, without the root. */
  steps: string[];
  /** The table of the nearest element around that is repeated as well. */
  parent: Table | undefined;
  /** Paths of its columns. */
  columns: string[];
  /** Records seen. */
  count: number;
}

/** Deeper than this elements are not looked at. */
const MOST_STEPS = 30;

/** In the order of the document: a table comes before those within it. */
export function tablesOf(root: Profile): Table[] {
  const tables: Table[] = [];
  const visit = (profile: Profile, steps: string[], around: Table | undefined): void => {
    let parent = around;
    if (profile.most > 1) {
      parent = table(profile, steps.join('/'), steps, around);
      tables.push(parent);
    }
    if (steps.length < MOST_STEPS)
      for (const child of profile.children.values()) visit(child, [...steps, child.name], parent);
  };
  visit(root, [], undefined);
  return tables.length > 0 ? tables : [table(root, `/${root.name}`, [], undefined)];
}

/** The table of the first elements at a path from the root, repeated or not. */
export function tableAt(root: Profile, record: string, chain: readonly NameTest[]): Table | undefined {
  let found: Profile | undefined;
  let around: Iterable<Profile> = [root];
  for (const { local } of chain) {
    found = [...around].find((p) => local === '*' || local === p.name);
    around = found?.children.values() ?? [];
  }
  return found && table(found, record, record.split('/'), undefined);
}

function table(profile: Profile, record: string, steps: string[], parent: Table | undefined): Table {
  return { record, name: profile.name, steps, parent, columns: gatherColumns(profile), count: profile.count };
}

/** Values that are taken already. */
export interface TakenColumns {
  /** Elements whose text is taken, and that of all in them. */
  texts: ReadonlySet<Profile>;
  attributes: ReadonlyMap<Profile, ReadonlySet<string>>;
}

/** Values in an element that occur once: its attributes, its text, and those of its children that occur once, but for those `apart`. */
export function gatherColumns(
  record: Profile,
  isApart: (profile: Profile) => boolean = () => false,
  { texts, attributes }: TakenColumns = { texts: new Set(), attributes: new Map() },
): string[] {
  const columns: string[] = [];
  const gather = (profile: Profile, path: string, isTextTaken: boolean): void => {
    const within = (name: string) => (path === '' ? name : `${path}/${name}`);
    const isTaken = isTextTaken || texts.has(profile);
    for (const a of profile.attributes) if (!attributes.get(profile)?.has(a)) columns.push(within(`@${a}`));
    const isLeaf = profile.children.size === 0;
    const hasText = profile.texts > 0 || (isLeaf && profile.attributes.size === 0);
    if (hasText && !isTaken) columns.push(path === '' ? '.' : path);
    if (path.split('/').length > MOST_STEPS) return;
    for (const child of profile.children.values())
      if (child.most === 1 && !isApart(child)) gather(child, within(child.name), isTaken);
  };
  gather(record, '', false);
  return columns;
}

/** Path from a record to the record of a table around it: `../..`. */
export function pathUp(from: Table, to: Table): string {
  return Array.from({ length: from.steps.length - to.steps.length }, () => '..').join('/');
}

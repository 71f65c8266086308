/** From the elements of a document to tables: repeated elements are rows, and what occurs once in them is a column. Pure. */
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

function table(profile: Profile, record: string, steps: string[], parent: Table | undefined): Table {
  const columns: string[] = [];
  gather(profile, '', columns);
  return { record, name: profile.name, steps, parent, columns, count: profile.count };
}

/** Values in an element that occurs once: its attributes, its text, and those of its children that occur once. */
function gather(profile: Profile, path: string, columns: string[]): void {
  const within = (name: string) => (path === '' ? name : `${path}/${name}`);
  for (const attribute of profile.attributes) columns.push(within(`@${attribute}`));
  const isLeaf = profile.children.size === 0;
  if (profile.texts > 0 || (isLeaf && profile.attributes.size === 0)) columns.push(path === '' ? '.' : path);
  if (path.split('/').length > MOST_STEPS) return;
  for (const child of profile.children.values()) if (child.most === 1) gather(child, within(child.name), columns);
}

/** Path from a record to the record of a table around it: `../..`. */
export function pathUp(from: Table, to: Table): string {
  return Array.from({ length: from.steps.length - to.steps.length }, () => '..').join('/');
}

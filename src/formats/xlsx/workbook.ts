/** What a workbook says about its sheets and the way their numbers are shown. */

import { posix } from 'node:path';
import { GranaryError } from '../../lib/errors.ts';
import { nearest } from '../../lib/nearest.ts';
import { invalid, type Package } from './package.ts';
import { type NumberKind, numberKind } from './values.ts';
import { parseXml } from './xml.ts';

export interface Sheet {
  name: string;
  part: string;
  visible: boolean;
}

export interface Workbook {
  sheets: Sheet[];
  /** Days count from 1904 and not from 1900. */
  from1904: boolean;
  /** By the number of a cell's style. */
  kinds: NumberKind[];
  sharedStrings: string | undefined;
}

export async function readWorkbook(parts: Package): Promise<Workbook> {
  const root = await relations(parts, '_rels/.rels');
  const main = [...root.values()].find((r) => r.type.endsWith('/officeDocument'))?.target ?? 'xl/workbook.xml';
  const folder = posix.dirname(main);
  const related = await relations(parts, `${folder}/_rels/${posix.basename(main)}.rels`);
  const sheets: Sheet[] = [];
  let from1904 = false;
  await each(parts, main, (name, a) => {
    if (name === 'workbookPr') from1904 = a['date1904'] === '1' || a['date1904'] === 'true';
    if (name !== 'sheet') return;
    const relation = related.get(a['r:id'] ?? Object.entries(a).find(([k]) => k.endsWith(':id'))?.[1] ?? '');
    if (relation?.type.endsWith('/worksheet')) {
      sheets.push({ name: a['name'] ?? '', part: relation.target, visible: (a['state'] ?? 'visible') === 'visible' });
    }
  });
  const partOf = (kind: string) => [...related.values()].find((r) => r.type.endsWith(kind))?.target;
  const styles = partOf('/styles');
  return {
    sheets,
    from1904,
    kinds: styles && parts.has(styles) ? await styleKinds(parts, styles) : [],
    sharedStrings: partOf('/sharedStrings'),
  };
}

/** The sheet that `wanted` names, or that has its number from 1; the first visible one if nothing is wanted. */
export function chooseSheet({ sheets }: Workbook, wanted: string | undefined): Sheet {
  const names = sheets.map((s) => s.name);
  const sheet =
    wanted === undefined
      ? (sheets.find((s) => s.visible) ?? sheets[0])
      : (sheets.find((s) => s.name === wanted) ??
        sheets.find((s) => s.name.trim().toLowerCase() === wanted.trim().toLowerCase()) ??
        (/^\d+$/.test(wanted) ? sheets[Number(wanted) - 1] : undefined));
  if (sheet) return sheet;
  if (wanted === undefined) throw invalid('it has no sheet');
  const near = nearest(wanted, names);
  throw new GranaryError('format.invalid', `The workbook has no sheet "${wanted}".`, {
    hint: near ? `Did you mean "${near}"?` : `It has ${names.map((n) => `"${n}"`).join(', ')}.`,
  });
}

interface Relation {
  type: string;
  target: string;
}

/** Relations by id, with targets as paths from the root. */
async function relations(parts: Package, part: string): Promise<Map<string, Relation>> {
  const found = new Map<string, Relation>();
  if (!parts.has(part)) return found;
  const folder = posix.dirname(posix.dirname(part));
  await each(parts, part, (name, a) => {
    if (name !== 'Relationship' || a['TargetMode'] === 'External') return;
    const target = a['Target'] ?? '';
    found.set(a['Id'] ?? '', {
      type: a['Type'] ?? '',
      target: target.startsWith('/') ? target.slice(1) : posix.join(folder, target),
    });
  });
  return found;
}

async function styleKinds(parts: Package, part: string): Promise<NumberKind[]> {
  const codes = new Map<number, string>();
  const kinds: NumberKind[] = [];
  let within = false;
  await each(
    parts,
    part,
    (name, a) => {
      if (name === 'numFmt') codes.set(Number(a['numFmtId']), a['formatCode'] ?? '');
      if (name === 'cellXfs') within = true;
      if (name === 'xf' && within) {
        const id = Number(a['numFmtId'] ?? 0);
        kinds.push(numberKind(id, codes.get(id)));
      }
    },
    (name) => {
      if (name === 'cellXfs') within = false;
    },
  );
  return kinds;
}

async function each(
  parts: Package,
  part: string,
  open: (name: string, attributes: Record<string, string>) => void,
  close?: (name: string) => void,
): Promise<void> {
  for await (const _ of parseXml(part, parts.stream(part), { open, ...(close && { close }) }));
}

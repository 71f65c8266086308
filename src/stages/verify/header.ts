/** The columns of a payload against the contract. Pure. */
import { plural } from '../../lib/units.ts';
import type { Reason } from '../../model/objects.ts';
import { LINEAGE } from '../../model/schema.ts';
import type { Dataset } from '../../project/project.ts';

/** Columns of the contract that are read from the file, with the name they have there. */
export function sourceColumns(dataset: Dataset): { name: string; source: string }[] {
  return Object.entries(dataset.config.columns)
    .filter(([, c]) => c.from_name === undefined)
    .map(([name, c]) => ({ name, source: c.from ?? name }));
}

export interface Drift {
  /** Source names of contract columns that the payload lacks. */
  missing: string[];
  /** Names of the payload that the contract does not list. */
  added: string[];
}

const norm = (s: string) => s.trim().toLowerCase();

/** How a header differs from the contract. Names match exactly, or else without regard to case and outer blanks. */
export function driftOf(header: string[], dataset: Dataset): Drift {
  const names = new Set(header.map(norm));
  const wanted = sourceColumns(dataset);
  const known = new Set(wanted.map((c) => norm(c.source)));
  return {
    missing: wanted.filter((c) => !names.has(norm(c.source))).map((c) => c.source),
    added: header.filter((h) => !known.has(norm(h)) && !Object.values<string>(LINEAGE).includes(h)),
  };
}

export function headerReasons(payload: { name: string; header: string[] | null }, dataset: Dataset): Reason[] {
  const mode = dataset.config.verify.header;
  if (payload.header === null || mode === 'any') return [];
  const { missing, added } = driftOf(payload.header, dataset);
  const wanted = sourceColumns(dataset);
  if (wanted.length > 0 && missing.length === wanted.length) {
    return [
      {
        code: 'header',
        message: `None of the contract’s columns is in its header (${list(payload.header)}): it is another kind of file, or has no header.`,
      },
    ];
  }
  if (mode === 'exact') {
    const expected = wanted.map((c) => c.source);
    const same =
      expected.length === payload.header.length && expected.every((e, i) => norm(e) === norm(payload.header![i]!));
    return same
      ? []
      : [{ code: 'header', message: `Its header is ${list(payload.header)}; expected is ${list(expected)}.` }];
  }
  if (dataset.config.on_drift !== 'quarantine' || missing.length + added.length === 0) return [];
  return [{ code: 'drift', message: driftText({ missing, added }) }];
}

export function driftText({ missing, added }: Drift): string {
  const parts = [];
  if (missing.length > 0) parts.push(`missing: ${list(missing)}`);
  if (added.length > 0) parts.push(`new: ${list(added)}`);
  return `Its columns differ from the contract (${parts.join('; ')}).`;
}

function list(names: string[]): string {
  const shown = names.slice(0, 12).map((n) => (n.length > 60 ? `${n.slice(0, 57)}…` : n));
  return shown.join(', ') + (names.length > 12 ? `, … ${names.length} in all` : '');
}

/** Types of record in a payload that neither the dataset nor a part of it reads, nor the format is told to ignore. */
export function recordTypeReasons(
  payload: { facts: Record<string, unknown> },
  dataset: Dataset,
  parts: Dataset[],
): Reason[] {
  const byType = payload.facts['byType'] as Record<string, number> | undefined;
  if (!byType) return [];
  const read = new Set([dataset, ...parts].map((d) => d.format['record']));
  const ignored = (dataset.format['ignore'] as string[] | undefined) ?? [];
  return Object.entries(byType)
    .filter(([type]) => !read.has(type) && !ignored.includes(type))
    .map(([type, records]) => ({
      code: 'record_type',
      message: `It has ${plural(records, 'record')} of type "${type}", which no dataset reads. Add a dataset with \`part_of\` and \`record\`, or list the type under \`ignore\`.`,
    }));
}

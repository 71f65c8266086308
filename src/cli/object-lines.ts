/** One landed object, told in full. Pure. */
import { formatBytes, formatCount } from '../lib/units.ts';
import type { ObjectDoc } from '../model/objects.ts';
import { shortName } from '../runtime/names.ts';
import { type Style, visible } from './terminal/style.ts';

export function objectLines(object: ObjectDoc, style: Style): string[] {
  const declared = Object.entries(object.declared ?? {}).map(
    ([k, v]) => `${k} ${typeof v === 'object' ? JSON.stringify(v) : v}`,
  );
  const facts: [string, string | null][] = [
    ['object', object.id],
    ['dataset', shortName(object.dataset)],
    ['file', `${visible(object.path)}${object.version > 1 ? `, version ${object.version}` : ''}`],
    ['bytes', `${formatCount(object.bytes)} (${formatBytes(object.bytes)})`],
    ['sha256', object.sha256],
    ['landed', object.landedAt],
    ['written', object.modifiedAt],
    ['date', object.businessDate],
    ['status', object.status + (object.released ? ', released by a person' : '')],
    ['supersedes', object.supersedes],
    ['superseded by', object.supersededBy],
    ['same bytes as', object.duplicateOf],
    ['declared', declared.length > 0 ? declared.join(', ') : null],
  ];
  return [
    ...facts.filter(([, v]) => v !== null).map(([k, v]) => `${style.dim(k.padEnd(14))}${v}`),
    ...(object.reasons.length > 0 ? ['', style.bold('Reasons')] : []),
    ...object.reasons.map((r) => `  ${style.yellow(r.code)}  ${visible(r.message)}`),
  ];
}

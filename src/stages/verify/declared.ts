/** What the sender declared about a file, from its checksum sidecar, control file or trailer. Pure. */
import { plural } from '../../lib/units.ts';
import type { Declared, ObjectDoc, Reason } from '../../model/objects.ts';
import type { DatasetConfig } from '../../project/specs/dataset.ts';

export interface Declarations {
  declared: Declared;
  /** Declarations that could not be understood. */
  reasons: Reason[];
}

/** `lastLine`: the last line of the unpacked file that is not blank. */
export function declarationsOf(object: ObjectDoc, config: DatasetConfig, lastLine: string | undefined): Declarations {
  const out: Declarations = { declared: {}, reasons: [] };
  const { checksum, control_file: control, trailer } = config.verify;
  if (checksum && object.sidecars.checksum !== undefined) {
    const sum = checksumIn(object.sidecars.checksum, object.file);
    if (sum) Object.assign(out.declared, { [checksum.algorithm]: sum });
    else
      out.reasons.push({
        code: 'checksum_unreadable',
        message: `The sidecar ${checksum.file} holds no ${checksum.algorithm} checksum for ${object.file}.`,
      });
  }
  if (control && object.sidecars.control !== undefined) {
    const found = new RegExp(control.pattern, 'm').exec(object.sidecars.control);
    if (found) Object.assign(out.declared, totalsIn(found.groups ?? {}));
    else
      out.reasons.push({ code: 'control_unreadable', message: `The control file does not match ${control.pattern}.` });
  }
  if (trailer) {
    const found = lastLine === undefined ? null : new RegExp(trailer.pattern).exec(lastLine);
    if (found) {
      const totals = totalsIn(found.groups ?? {});
      if (totals.rows !== undefined) totals.rows += trailer.rows_offset;
      Object.assign(out.declared, totals);
    } else {
      out.reasons.push({
        code: 'trailer_missing',
        message: `The last line is no trailer (${trailer.pattern}): the file is cut off. It is: ${shown(lastLine)}`,
      });
    }
  }
  return out;
}

function shown(line: string | undefined): string {
  return line === undefined ? 'nothing' : `"${line.length > 80 ? `${line.slice(0, 77)}…` : line}"`;
}

/** The checksum of a file in the text of a sidecar: `<hex>  name` lines, `SHA256 (name) = <hex>`, or the bare checksum. */
function checksumIn(text: string, file: string): string | undefined {
  const lines = text.split(/\r?\n/).filter((l) => l.trim() !== '');
  const named = lines.find((l) => l.includes(file)) ?? (lines.length === 1 ? lines[0] : undefined);
  return named
    ?.replace(`(${file})`, '')
    .match(/\b[0-9a-fA-F]{32,128}\b/)?.[0]
    ?.toLowerCase();
}

function totalsIn(groups: Record<string, string | undefined>): Declared {
  const out: Declared = {};
  for (const [name, text] of Object.entries(groups)) {
    if (text === undefined) continue;
    if (name === 'rows') out.rows = Number(text.replaceAll(/[^\d]/g, ''));
    else if (name === 'bytes') out.bytes = Number(text.replaceAll(/[^\d]/g, ''));
    else if (name === 'sha256' || name === 'sha1' || name === 'md5') out[name] = text.toLowerCase();
    else if (name.startsWith('sum_')) out.sums = { ...out.sums, [name.slice(4)]: text.replace(',', '.') };
  }
  return out;
}

/** Reasons why received bytes and records are not what was declared. `digests` holds those that were needed. */
export function compareDeclared(
  declared: Declared,
  object: ObjectDoc,
  digests: Record<string, string>,
  records: number,
): Reason[] {
  const reasons: Reason[] = [];
  for (const algorithm of ['sha256', 'sha1', 'md5'] as const) {
    const expected = declared[algorithm];
    if (expected !== undefined && expected !== digests[algorithm]) {
      reasons.push({
        code: 'checksum',
        message: `Its ${algorithm} is ${digests[algorithm]}, declared is ${expected}: the file was damaged or cut off on the way.`,
      });
    }
  }
  if (declared.bytes !== undefined && declared.bytes !== object.bytes) {
    reasons.push({
      code: 'declared_bytes',
      message: `It has ${plural(object.bytes, 'byte')}, declared are ${declared.bytes}.`,
    });
  }
  if (declared.rows !== undefined && declared.rows !== records) {
    reasons.push({
      code: 'declared_rows',
      message: `It has ${plural(records, 'record')}, declared are ${declared.rows}.`,
    });
  }
  return reasons;
}

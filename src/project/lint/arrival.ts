/** How files arrive: names of companion files, declared totals, and what is done with a file after landing. */
import { nearest } from '../../lib/nearest.ts';
import type { Path } from '../../lib/spec/common.ts';
import type { NamePattern } from '../name-pattern.ts';
import type { Dataset } from '../project.ts';
import type { Report } from '../report.ts';
import type { DatasetConfig } from '../specs/dataset.ts';
import { namedGroups } from './regexes.ts';

export function checkArrival({ config }: Dataset, pattern: NamePattern, report: Report): void {
  const { verify, ready } = config;
  if (ready.rule === 'marker') checkCompanion(ready.marker, pattern, report, ['ready', 'marker']);
  if (verify.checksum) checkCompanion(verify.checksum.file, pattern, report, ['verify', 'checksum', 'file']);
  if (verify.control_file) {
    checkCompanion(verify.control_file.file, pattern, report, ['verify', 'control_file', 'file']);
    checkTotals(verify.control_file.pattern, config, report, ['verify', 'control_file', 'pattern'], true);
  }
  if (verify.trailer) checkTotals(verify.trailer.pattern, config, report, ['verify', 'trailer', 'pattern'], false);
  checkBounds(verify.min_bytes, verify.max_bytes, report, ['verify', 'min_bytes']);
  checkBounds(verify.min_rows, verify.max_rows, report, ['verify', 'min_rows']);
  checkArchive(config, pattern, report);
}

const PLACEHOLDERS = ['{name}', '{stem}'];

/** The marker, sidecar or control file of a file: its name is made from the file's, or from that up to its first dot. */
function checkCompanion(text: string, pattern: NamePattern, report: Report, path: Path): void {
  for (const [placeholder] of text.matchAll(/\{[^}]*\}/g))
    if (!PLACEHOLDERS.includes(placeholder)) {
      const meant = nearest(placeholder, PLACEHOLDERS);
      report.error(path, {
        message: `"${placeholder}" is not known here: {name} is the file’s name, {stem} that up to its first dot`,
        suggestion: meant && text.replace(placeholder, meant),
      });
    }
  const name = pattern.example.slice(pattern.example.lastIndexOf('/') + 1);
  if (text.replaceAll('{name}', name).replaceAll('{stem}', name.split('.')[0]!) === name)
    report.error(path, 'this is the name of the file itself');
}

const TOTALS = ['rows', 'bytes', 'sha256', 'md5'];

function checkTotals(regex: string, config: DatasetConfig, report: Report, path: Path, required: boolean): void {
  const groups = namedGroups(regex);
  if ('problem' in groups) {
    report.error(path, groups.problem);
    return;
  }
  if (required && groups.length === 0)
    report.warn(path, {
      message: 'no named group, so no total is declared',
      hint: 'Name one, as in "rows=(?<rows>\\d+)"',
    });
  const sums = Object.keys(config.columns).map((c) => `sum_${c}`);
  for (const group of groups) {
    const column = group.startsWith('sum_') ? group.slice('sum_'.length) : undefined;
    if (column !== undefined && column in config.columns) {
      if (!/^(integer|bigint|double|decimal)/.test(config.columns[column]!.type))
        report.error(path, `"${group}": column "${column}" is ${config.columns[column]!.type} and has no sum`);
    } else if (column !== undefined) {
      report.error(path, {
        message: `"${group}": there is no column "${column}" in this dataset`,
        suggestion: nearest(group, sums),
      });
    } else if (!TOTALS.includes(group)) {
      report.error(path, {
        message: `group "${group}" is not a total: ${TOTALS.join(', ')} or sum_<column>`,
        suggestion: nearest(group, [...TOTALS, ...sums]),
      });
    }
  }
}

function checkBounds(min: number | undefined, max: number | undefined, report: Report, path: Path): void {
  if (min !== undefined && max !== undefined && min > max)
    report.error(path, 'it is more than the largest allowed: no file could pass');
}

function checkArchive({ after_landing }: DatasetConfig, pattern: NamePattern, report: Report): void {
  if (after_landing.action !== 'move') return;
  const name = pattern.example.slice(pattern.example.lastIndexOf('/') + 1);
  const folder = after_landing.to.replace(/\/+$/, '');
  if (pattern.match(`${folder}/${name}`) || pattern.match(`${folder}/${pattern.example}`))
    report.error(['after_landing', 'to'], {
      message: `"${pattern.text}" matches in "${folder}" too: files would be taken again after they were moved`,
      hint: 'Move them to a folder that "files" does not match',
    });
}

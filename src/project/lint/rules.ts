/** Rules: the columns they name, their bounds and their expressions. */
import type { Report } from '../report.ts';
import type { Rule } from '../specs/quality.ts';
import { type ColumnSets, expectColumn, withPaths } from './column-sets.ts';
import { re2Problem } from './regexes.ts';

export function checkRules(rules: readonly Rule[], sets: ColumnSets, report: Report): void {
  const names = new Set<string>();
  for (const [i, rule] of rules.entries()) {
    checkRule(rule, sets, report.at(i));
    if (rule.name !== undefined && names.has(rule.name))
      report.error([i, 'name'], `another rule is called "${rule.name}"; the books tell rules apart by name`);
    if (rule.name !== undefined) names.add(rule.name);
  }
}

function checkRule(rule: Rule, sets: ColumnSets, report: Report): void {
  for (const [name, path] of [...withPaths(rule.required, ['required']), ...withPaths(rule.unique, ['unique'])])
    expectColumn(name, sets, report, path);
  for (const kind of ['range', 'pattern', 'allowed'] as const)
    if (rule[kind]) expectColumn(rule[kind].column, sets, report, [kind, 'column']);

  const { range, pattern, exists } = rule;
  if (range && range.min === undefined && range.max === undefined)
    report.error(['range'], { message: 'a range has "min" or "max" or both', atKey: true });
  if (range?.min !== undefined && range.max !== undefined && Number(range.min) > Number(range.max))
    report.error(['range', 'min'], `${range.min} is more than the "max" of ${range.max}: no row could pass`);
  if (pattern) {
    const problem = re2Problem(pattern.regex);
    if (problem) report.error(['pattern', 'regex'], problem);
  }
  if (exists) {
    for (const [name, path] of withPaths(exists.columns, ['exists', 'columns'])) expectColumn(name, sets, report, path);
    if (exists.key && exists.key.length !== exists.columns.length)
      report.error(
        ['exists', 'key'],
        `${exists.columns.length} columns are compared with ${exists.key.length} of the table`,
      );
  }
}

/** The rules of a Choice state. */
import { operandOf } from '../choice.ts';
import {
  array,
  type Check,
  checkFields,
  type Fields,
  isObject,
  needs,
  path,
  type Report,
  string,
  text,
  timestamp,
} from './checks.ts';

const COMBINERS = ['And', 'Or', 'Not'];

export const choices: Check = (value, at, report) => {
  array(value, at, report);
  if (!Array.isArray(value)) return;
  for (const [i, rule] of value.entries()) {
    checkRule(rule, `${at}[${i}]`, true, report);
    if (isObject(rule)) needs(rule, `${at}[${i}]`, report, 'Next');
  }
};

function checkRule(rule: unknown, at: string, outermost: boolean, report: Report): void {
  if (!isObject(rule)) {
    report(at, 'is an object');
    return;
  }
  const combiner = COMBINERS.filter((c) => Object.hasOwn(rule, c));
  const operators = Object.keys(rule).filter((name) => operandOf(name) !== undefined);
  const table: Record<string, Check> = { Comment: text, Variable: path, And: rules, Or: rules, Not: nested };
  if (outermost) table['Next'] = string;
  for (const operator of operators) table[operator] = (value, here) => checkOperand(operator, value, here, report);
  checkFields(rule, at, table, report, { Next: 'only the outermost rule has Next' });
  checkShape(rule, at, combiner, operators, report);
}

function checkShape(rule: Fields, at: string, combiner: string[], operators: string[], report: Report): void {
  if (combiner.length + (operators.length > 0 || Object.hasOwn(rule, 'Variable') ? 1 : 0) > 1) {
    report(at, `has ${[...combiner, ...operators].join(' and ')}: only one is allowed`);
    return;
  }
  if (combiner.length === 1) return;
  needs(rule, at, report, 'Variable');
  if (operators.length === 0) report(at, 'needs a comparison');
  else if (operators.length > 1) report(at, `has ${operators.join(' and ')}: only one is allowed`);
}

function rules(value: unknown, at: string, report: Report): void {
  array(value, at, report);
  if (Array.isArray(value)) for (const [i, rule] of value.entries()) checkRule(rule, `${at}[${i}]`, false, report);
}

function nested(value: unknown, at: string, report: Report): void {
  checkRule(value, at, false, report);
}

function checkOperand(operator: string, value: unknown, at: string, report: Report): void {
  const wanted = operandOf(operator);
  if (wanted === 'path') path(value, at, report);
  else if (wanted === 'timestamp') timestamp(value, at, report);
  else if (typeof value !== wanted) report(at, `is a ${wanted}`);
}

/** Asks for the settings of a connector, one after the other, as its spec declares them. */
import { readFile } from 'node:fs/promises';
import { registerSecret } from '../../lib/redact.ts';
import { isMapping, isRequired } from '../../lib/spec/common.ts';
import type { Issue, ObjectSpec, Spec } from '../../lib/spec/spec.ts';
import type { Questions } from '../terminal/questions.ts';

export type Settings = Record<string, unknown>;

export interface SettingsDialog {
  questions: Questions;
  dim(text: string): string;
  /** Takes a secret and returns the reference that stands for it in YAML. `path` is that of the setting. */
  keep(path: readonly string[], value: string): Promise<string>;
}

type Fields = Record<string, Spec<unknown>>;

/** Settings that can be asked for on one line; mappings with names of the user's choice are written in the file afterwards. */
export function askable(spec: ObjectSpec<unknown>): Fields {
  return Object.fromEntries(Object.entries(spec.fields).filter(([, f]) => !isNamed(f)));
}

const isNamed = (field: Spec<unknown>) => field.children?.kind === 'items' && !field.label.startsWith('list');

/** What must be given, and who asks: users, passwords and keys, which may be left out. */
export function askedFirst(fields: Fields): string[] {
  return Object.entries(fields)
    .filter(([name, field]) => isRequired(field) || field.info.secret || name === 'user')
    .map(([name]) => name);
}

/** Puts what is answered into `settings`. What is there already is what an empty answer means. */
export async function askSettings(
  fields: Fields,
  names: readonly string[],
  settings: Settings,
  dialog: SettingsDialog,
  path: readonly string[] = [],
): Promise<void> {
  for (const name of names) {
    const value = await askOne(fields[name]!, settings[name], [...path, name], dialog);
    if (value === undefined) delete settings[name];
    else settings[name] = value;
  }
}

async function askOne(
  field: Spec<unknown>,
  before: unknown,
  path: readonly string[],
  dialog: SettingsDialog,
): Promise<unknown> {
  const { questions, dim } = dialog;
  const { children, info } = field;
  questions.say(dim(`  ${info.doc}`));
  if (children?.kind === 'variants') return askVariant(field, path, dialog);
  if (children?.kind === 'object') {
    const inner: Settings = isMapping(before) ? { ...before } : {};
    await askSettings(children.fields, askedFirst(children.fields), inner, dialog, path);
    return inner;
  }
  for (;;) {
    const typed = await (info.secret ? askSecret(field, before, path, dialog) : askLine(field, before, path, dialog));
    if (typed === '' && before !== undefined) return before;
    if (typed === '-' && !isRequired(field)) return undefined;
    if (typed === '') {
      if (!isRequired(field)) return undefined;
      questions.say('  It is needed.');
      continue;
    }
    const value = readValue(typed, field);
    const problem = problemOf(field, value, path);
    if (problem === undefined) return info.secret && !isReference(typed) ? dialog.keep(path, typed) : value;
    questions.say(`  ${info.secret ? 'It cannot be used.' : problem}`);
  }
}

function askLine(field: Spec<unknown>, before: unknown, path: readonly string[], { questions }: SettingsDialog) {
  const { info, label } = field;
  const value = before ?? info.default;
  const notes = [
    label !== 'text' && label,
    value !== undefined && `Enter: ${String(value)}`,
    value === undefined && isRequired(field) && info.example !== undefined && `such as ${String(info.example)}`,
    value === undefined && !isRequired(field) && 'Enter: none',
    before !== undefined && !isRequired(field) && '-: none',
  ].filter(Boolean);
  return questions.line(`${path.join('.')}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}: `);
}

/** The secret itself, `@file` for what has several lines, or a reference to one that is stored. */
async function askSecret(
  field: Spec<unknown>,
  before: unknown,
  path: readonly string[],
  { questions }: SettingsDialog,
): Promise<string> {
  const empty = before !== undefined ? '; Enter: as before' : isRequired(field) ? '' : '; Enter: none';
  const typed = await questions.unseen(`${path.join('.')} (not shown; @file reads a file${empty}): `);
  if (typed.startsWith('@@')) return typed.slice(1);
  if (!typed.startsWith('@')) return typed;
  try {
    const text = (await readFile(typed.slice(1), 'utf8')).replace(/\r?\n$/, '');
    if (text !== '') return text;
    questions.say(`  ${typed.slice(1)} is empty.`);
  } catch (e) {
    questions.say(`  ${(e as Error).message}`);
  }
  return askSecret(field, before, path, { questions } as SettingsDialog);
}

async function askVariant(field: Spec<unknown>, path: readonly string[], dialog: SettingsDialog): Promise<unknown> {
  const { children } = field;
  if (children?.kind !== 'variants') throw new TypeError(`${path.join('.')} has no variants`);
  for (;;) {
    const empty = isRequired(field) ? '' : '; Enter: none';
    const names = children.variants.map((v) => v.type);
    const typed = await dialog.questions.line(`${path.join('.')} (${names.join(' | ')}${empty}): `);
    if (typed === '' && !isRequired(field)) return undefined;
    const chosen = children.variants.find((v) => v.type === typed);
    if (!chosen) {
      dialog.questions.say(`  One of ${names.join(', ')}.`);
      continue;
    }
    const inner: Settings = {};
    await askSettings(askable(chosen.spec), askedFirst(askable(chosen.spec)), inner, dialog, path);
    return { type: chosen.type, ...inner };
  }
}

const isReference = (typed: string) => /^\$\{(secret|env):[^}]+\}$/.test(typed);

/** Numbers and switches as YAML has them; a list is typed with commas. */
function readValue(typed: string, field: Spec<unknown>): unknown {
  if (field.children?.kind === 'items') {
    const { item } = field.children;
    return typed.split(',').map((part) => readValue(part.trim(), item));
  }
  if (/^(integer|number)$/.test(field.label) && /^-?\d+(\.\d+)?$/.test(typed)) return Number(typed);
  if (field.label === 'true or false' && /^(true|false)$/.test(typed)) return typed === 'true';
  return typed;
}

/** References are resolved later, and checked then. */
function problemOf(field: Spec<unknown>, value: unknown, path: readonly string[]): string | undefined {
  const text = String(value);
  if (text.includes('${')) return undefined;
  if (field.info.secret) registerSecret(text);
  const issues: Issue[] = [];
  field.parse(value, [...path], { issues });
  const [first] = issues;
  return first && `${first.message}${first.suggestion ? `. Did you mean "${first.suggestion}"?` : ''}`;
}

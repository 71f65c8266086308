/** The conversation of `granary add source`: which connector, which name, which settings, what of all that it offers. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asGranaryError, type GranaryError } from '../../lib/errors.ts';
import { nearest } from '../../lib/nearest.ts';
import { formatCount } from '../../lib/units.ts';
import type { AnyConnector, ExtractConnector, Offer } from '../../ports/extract.ts';
import { toName } from '../../project/names.ts';
import { SOURCES_DIR } from '../../project/project-files.ts';
import { NAME } from '../../project/specs/dataset.ts';
import type { Questions } from '../terminal/questions.ts';
import type { Style } from '../terminal/style.ts';
import { readChoice } from './choice.ts';
import { askable, askedFirst, askSettings, type Settings, type SettingsDialog } from './settings.ts';

const MOST_SHOWN = 60;

export async function askConnector(
  connectors: readonly AnyConnector[],
  questions: Questions,
  style: Style,
): Promise<AnyConnector> {
  questions.say(style.bold('What is the source?'));
  for (const [i, { type, title }] of connectors.entries())
    questions.say(`${String(i + 1).padStart(4)}  ${type.padEnd(10)}  ${style.dim(title)}`);
  const types = connectors.map((c) => c.type);
  for (;;) {
    const typed = await questions.line('Number or name: ');
    const chosen = connectors[/^\d+$/.test(typed) ? Number(typed) - 1 : types.indexOf(typed)];
    if (chosen) return chosen;
    const near = nearest(typed, types);
    questions.say(
      `  There is no ${typed === '' ? 'such connector' : `"${typed}"`}.${near ? ` Did you mean ${near}?` : ''}`,
    );
  }
}

export async function askName(dir: string, type: string, questions: Questions, style: Style): Promise<string> {
  questions.say(style.dim('  What the source is called; its file is sources/<name>.yaml.'));
  const proposed = (await isFree(dir, toName(type, 'source'))) ? toName(type, 'source') : undefined;
  for (;;) {
    const typed = await questions.line(`Name${proposed ? ` (Enter: ${proposed})` : ''}: `);
    const name = typed === '' ? proposed : typed;
    if (name === undefined) continue;
    if (!NAME.regex.test(name)) questions.say(`  "${name}" is not ${NAME.meaning}. Perhaps: ${toName(name, 'source')}`);
    else if (await isFree(dir, name)) return name;
    else
      questions.say(
        `  ${SOURCES_DIR}/${name}.yaml is there already. For more datasets of it: granary discover ${name} --force`,
      );
  }
}

async function isFree(dir: string, name: string): Promise<boolean> {
  const there = await Promise.all(
    ['yaml', 'yml'].map((ending) => stat(join(dir, SOURCES_DIR, `${name}.${ending}`)).catch(() => undefined)),
  );
  return there.every((file) => file === undefined);
}

export async function askAllSettings(
  connector: AnyConnector,
  settings: Settings,
  dialog: SettingsDialog,
): Promise<void> {
  const fields = askable(connector.spec);
  const first = askedFirst(fields);
  if (first.length > 0) await askSettings(fields, first, settings, dialog);
  const others = Object.keys(fields).filter((name) => !first.includes(name));
  if (others.length === 0) return;
  const named = await askWhich(fields, others, `Further settings (${others.join(', ')}; Enter: none): `, dialog);
  await askSettings(fields, named, settings, dialog);
}

/** After an attempt that failed: what to change. Undefined: it is given up. */
export async function askChanges(
  connector: AnyConnector,
  settings: Settings,
  e: unknown,
  dialog: SettingsDialog,
): Promise<'again' | undefined> {
  const error = asGranaryError(e);
  if (error.code === 'cancelled') throw e;
  const { questions } = dialog;
  questions.say(error.message);
  if (error.hint) questions.say(dialog.dim(`  ${error.hint}`));
  const fields = askable(connector.spec);
  const meant = meantBy(error, connector, settings);
  const enter = meant.length > 0 ? meant.join(' ') : 'the same again';
  const question = `What is changed? (names of settings; ?: which there are; stop; Enter: ${enter}): `;
  const named = await askWhich(fields, [...Object.keys(fields), 'stop'], question, dialog);
  if (named.includes('stop')) return undefined;
  await askSettings(fields, named.length > 0 ? named : meant, settings, dialog);
  return 'again';
}

/** Refused credentials are typed again; who cannot be reached has another address. */
function meantBy({ code }: GranaryError, connector: AnyConnector, settings: Settings): string[] {
  const fields = askable(connector.spec);
  const names = Object.keys(fields);
  if (code === 'connector.auth_failed') {
    const given = names.filter((n) => (fields[n]!.info.secret || n === 'user' || n === 'auth') && n in settings);
    return given.length > 0 ? given : names.filter((n) => n === 'user' || n === 'password' || n === 'auth');
  }
  if (code === 'connector.unreachable') return names.filter((n) => ['host', 'port', 'url', 'base'].includes(n));
  if (code === 'connector.not_found') return names.filter((n) => ['path', 'root', 'url', 'bucket'].includes(n));
  return [];
}

async function askWhich(
  fields: Record<string, { label: string; info: { doc: string } }>,
  names: readonly string[],
  question: string,
  { questions, dim }: SettingsDialog,
): Promise<string[]> {
  for (;;) {
    const typed = (await questions.line(question)).split(/[\s,]+/).filter((w) => w !== '');
    const unknown = typed.find((name) => !names.includes(name));
    if (unknown === undefined) return typed;
    if (unknown === '?') {
      for (const name of names)
        if (fields[name]) questions.say(`  ${name}  ${dim(`${fields[name].label}. ${fields[name].info.doc}`)}`);
    } else {
      const near = nearest(unknown, names);
      questions.say(`  "${unknown}" is no setting.${near ? ` Did you mean ${near}?` : ' ? lists them.'}`);
    }
  }
}

/** What it offers; what a person names where it offers nothing and takes names. */
export async function askReads(
  { named }: Pick<ExtractConnector<unknown, unknown>, 'named' | 'withoutOffers'>,
  offers: readonly Offer[],
  describe: (offer: Offer) => { name: string; note: string },
  questions: Questions,
  style: Style,
): Promise<readonly Offer[]> {
  if (offers.length > 0 || !named) return askOffers(offers, describe, questions, style);
  questions.say();
  questions.say('It does not say what it has.');
  for (;;) {
    const typed = await questions.line('Which paths are read? (such as /contacts /orders?status=all; Enter: none): ');
    const words = typed.split(/[\s,;]+/).filter((w) => w !== '');
    const unknown = words.find((word) => named(word) === undefined);
    if (unknown === undefined) return words.map((word) => named(word)!);
    questions.say(`  "${unknown}" is no path: it begins with /.`);
  }
}

/** One is all there is to choose from. */
export async function askOffers<T>(
  offers: readonly T[],
  describe: (offer: T) => { name: string; note: string },
  questions: Questions,
  style: Style,
): Promise<T[]> {
  if (offers.length === 0) return [];
  const shown = offers.map(describe);
  questions.say();
  questions.say(style.bold('It offers'));
  for (const [i, { name, note }] of shown.slice(0, MOST_SHOWN).entries())
    questions.say(`${String(i + 1).padStart(4)}  ${name}  ${style.dim(note)}`);
  if (shown.length > MOST_SHOWN) questions.say(`      and ${formatCount(shown.length - MOST_SHOWN)} more`);
  for (;;) {
    const typed = await questions.line('Which? (1 3-5; names or patterns such as sales*; Enter: all): ');
    const names = shown.map((s) => s.name);
    const chosen = readChoice(typed === '' ? 'all' : typed, names);
    if (typeof chosen !== 'string') return chosen.map((i) => offers[i]!);
    questions.say(`  ${chosen}`);
  }
}

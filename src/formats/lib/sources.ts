/** Which of a payload's columns a ReadColumn means. */
import type { ReadInput } from '../../ports/format.ts';

const norm = (name: string) => name.trim().toLowerCase();

/** The payload's own spelling of a name: the same one, else the first that differs in case and outer blanks only, else as it was given. */
export function resolveName(name: string, names: readonly string[] | undefined): string {
  if (!names || names.includes(name)) return name;
  return names.find((n) => norm(n) === norm(name)) ?? name;
}

/** Source names of the columns that are to be read, as the payload spells them. */
export function resolvedSources(input: Pick<ReadInput<unknown>, 'columns' | 'header'>): string[] {
  return input.columns.map((c) => resolveName(c.source, input.header));
}

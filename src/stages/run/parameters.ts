/** Parameters of a run by hand: it takes only files whose names have these values in their `{parts}`. */
import { GranaryError } from '../../lib/errors.ts';
import { nearest } from '../../lib/nearest.ts';
import type { ObjectDoc } from '../../model/objects.ts';
import { compileNamePattern, type NameMatch } from '../../project/name-pattern.ts';
import type { Project } from '../../project/project.ts';

/** Values by part name. Of `date` a beginning is enough: `2026-11` takes a month. */
export type RunParameters = Record<string, string>;

/** Whether a name has the values. A name without one of the parts has not. */
export function fits(match: Pick<NameMatch, 'parts' | 'date'>, wanted: RunParameters | null | undefined): boolean {
  return Object.entries(wanted ?? {}).every(([name, value]) =>
    name === 'date' ? (match.date ?? '').startsWith(value) && value !== '' : match.parts[name] === value,
  );
}

export function objectFits({ nameParts, businessDate }: ObjectDoc, wanted: RunParameters | null | undefined): boolean {
  return fits({ parts: nameParts, ...(businessDate !== null && { date: businessDate }) }, wanted);
}

/** Errors: `stage.bad_input` for a parameter that no file name of these sources has. */
export function checkParameters(wanted: RunParameters, project: Project, sources: readonly string[]): void {
  const known = new Set<string>();
  for (const name of sources)
    for (const { config } of project.sources.get(name)?.datasets.values() ?? [])
      if (config.files !== undefined) for (const part of compileNamePattern(config.files).parts) known.add(part);
  for (const name of Object.keys(wanted)) {
    if (known.has(name)) continue;
    const near = nearest(name, known);
    throw new GranaryError('stage.bad_input', `No file name here has a part {${name}}.`, {
      hint: near
        ? `Did you mean ${near}?`
        : known.size > 0
          ? `There are: ${[...known].sort().join(', ')}.`
          : 'A parameter chooses files by a {part} of `files`, and there is none.',
    });
  }
}

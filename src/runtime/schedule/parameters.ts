/** Parameters that a person gives a pipeline: `granary run --pipeline daily --param day=2026-11-25`. */
import { GranaryError } from '../../lib/errors.ts';

/** `['k=v', …]` to the `parameters` of a run's input. Values are text. Errors: `cli.usage`. */
export function parseParameters(given: readonly string[]): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const text of given) {
    const [, name, value] = /^([A-Za-z][A-Za-z0-9_]{0,62})=(.*)$/s.exec(text) ?? [];
    if (name === undefined)
      throw new GranaryError('cli.usage', `expected a parameter as name=value, found "${text}"`, {
        hint: 'For example: --param day=2026-11-25',
      });
    if (Object.hasOwn(parameters, name)) throw new GranaryError('cli.usage', `the parameter "${name}" is given twice`);
    parameters[name] = value!;
  }
  return parameters;
}

/** The input of a run that a person starts. */
export function manualInput(command: string, given: readonly string[] = []): Record<string, unknown> {
  const parameters = parseParameters(given);
  return { trigger: 'manual', command, ...(Object.keys(parameters).length > 0 && { parameters }) };
}

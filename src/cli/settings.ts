/** Settings given as `field=value` on the command line. Pure. */
import { usage } from './parse.ts';

type Tree = Record<string, unknown>;

/** `tls.mode=explicit` twice or more becomes a tree; a field that is given again becomes a list. Values stay text. Errors: `cli.usage`. */
export function readAssignments(assignments: readonly string[]): Tree {
  const out: Tree = {};
  for (const assignment of assignments) {
    const [, path, value] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
    if (path === undefined || value === undefined) throw usage(`"${assignment}" is not field=value`);
    const fields = path.split('.');
    const last = fields.pop()!;
    let at = out;
    for (const field of fields) {
      at[field] ??= {};
      if (typeof at[field] !== 'object') throw usage(`"${path}": ${field} is both a value and a mapping`);
      at = at[field] as Tree;
    }
    at[last] = last in at ? [at[last], value].flat() : value;
  }
  return out;
}

/** `openpgp.private_key=…`: settings by codec. Errors: `cli.usage`. */
export function readCodecSettings(assignments: readonly string[]): Record<string, Tree> {
  for (const a of assignments)
    if (!/^\w+\.\w+=/.test(a))
      throw usage(`"${a}" is not codec.field=value`, 'For example: openpgp.private_key_file=keys/granary.asc');
  return readAssignments(assignments) as Record<string, Tree>;
}

/** `day=2026-11-24` of --parameter: the value may hold anything. Errors: `cli.usage`. */
export function readParameters(assignments: readonly string[]): Record<string, string> {
  const pairs = assignments.map((a) => {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(a) ?? [];
    if (name === undefined) throw usage(`"${a}" is not name=value`);
    return [name, value!];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}

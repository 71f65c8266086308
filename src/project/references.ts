/**
 * References in the values of a configuration: `${secret:NAME}`, `${env:NAME}`, `${env:NAME:-default}`, anywhere in any text. `$${` is a
 * literal `${`. A reference that resolves to nothing is an issue, never an empty text.
 */
import { nearest } from '../lib/nearest.ts';
import { registerSecret } from '../lib/redact.ts';
import type { Path } from '../lib/spec/common.ts';
import { isMapping } from '../lib/spec/common.ts';
import type { Issue } from '../lib/spec/spec.ts';
import type { SecretStore } from '../ports/secrets.ts';

/** A secret store, or several behind one face. What it cannot tell is left out of messages. */
export type SecretLookup = Pick<SecretStore, 'get'> & Partial<Pick<SecretStore, 'description' | 'list'>>;

export interface ReferenceValues {
  secrets: SecretLookup;
  env: Readonly<Record<string, string | undefined>>;
}

/** Replaces references. Secrets that are used are registered with `redact`. One resolver per load asks for each secret once. */
export interface ReferenceResolver {
  /** A copy of the tree with every reference replaced; those that cannot be are left as written and pushed to `issues`. */
  resolve(tree: Record<string, unknown>, issues: Issue[]): Promise<Record<string, unknown>>;
}

export function referenceResolver({ secrets, env }: ReferenceValues): ReferenceResolver {
  const asked = new Map<string, Promise<string | undefined>>();
  const secret = (name: string) => {
    const known = asked.get(name) ?? secrets.get(name);
    asked.set(name, known);
    return known;
  };

  async function value(ref: Reference): Promise<string | Omit<Issue, 'path'>> {
    if (ref.kind === 'env') {
      const found = ref.fallback === undefined ? env[ref.name] : env[ref.name] || ref.fallback;
      return found ?? { message: `environment variable ${ref.name} is not set`, ...near(ref.name, Object.keys(env)) };
    }
    const found = await secret(ref.name);
    if (!found) {
      const places = secrets.description === undefined ? '' : `; looked in ${secrets.description}`;
      if (found === '') return { message: `secret ${ref.name} is empty${places}` };
      const names = (await secrets.list?.()) ?? [];
      return { message: `secret ${ref.name} is not set${places}`, ...near(ref.name, names) };
    }
    registerSecret(found);
    return found;
  }

  async function replace(text: string, path: Path, issues: Issue[]): Promise<string> {
    let out = '';
    for (const piece of parseReferences(text)) {
      if (typeof piece === 'string') {
        out += piece;
        continue;
      }
      const found = 'problem' in piece ? { message: piece.problem, suggestion: piece.suggestion } : await value(piece);
      if (typeof found === 'string') out += found;
      else {
        issues.push({ path, ...found });
        out += piece.text;
      }
    }
    return out;
  }

  return {
    async resolve(tree, issues) {
      const slots: Slot[] = [];
      const copy = copyMapping(tree, [], slots);
      for (const { holder, key, text, path } of slots) holder[key] = await replace(text, path, issues);
      return copy;
    },
  };
}

/** A text with references and where it hangs in the copied tree. */
interface Slot {
  holder: Record<string | number, unknown>;
  key: string | number;
  text: string;
  path: Path;
}

function copyMapping(tree: Record<string, unknown>, path: Path, slots: Slot[]): Record<string, unknown> {
  const out: Record<string, unknown> = Object.create(null);
  for (const [key, value] of Object.entries(tree)) copyInto(out, key, value, [...path, key], slots);
  return out;
}

function copyInto(holder: Slot['holder'], key: string | number, value: unknown, path: Path, slots: Slot[]): void {
  if (typeof value === 'string' && value.includes('${')) slots.push({ holder, key, text: value, path });
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    holder[key] = list;
    for (const [i, item] of value.entries()) copyInto(list as unknown as Slot['holder'], i, item, [...path, i], slots);
  } else holder[key] = isMapping(value) ? copyMapping(value, path, slots) : value;
}

const near = (name: string, candidates: Iterable<string>) => {
  const suggestion = nearest(name, candidates);
  return suggestion === undefined ? {} : { suggestion };
};

/** A reference as written. */
type Reference = { text: string; kind: 'secret' | 'env'; name: string; fallback?: string };
type BadReference = { text: string; problem: string; suggestion?: string };

/** Literal pieces, references and mistakes, in order. */
function parseReferences(text: string): (string | Reference | BadReference)[] {
  const pieces: (string | Reference | BadReference)[] = [];
  let end = 0;
  for (const m of text.matchAll(/\$\$\{|\$\{([^}]*)(\}?)/g)) {
    pieces.push(text.slice(end, m.index));
    end = m.index + m[0].length;
    pieces.push(m[0] === '$${' ? '${' : readReference(m[0], m[1]!, m[2] === '}'));
  }
  pieces.push(text.slice(end));
  return pieces.filter((p) => p !== '');
}

function readReference(text: string, inside: string, closed: boolean): Reference | BadReference {
  if (!closed) return { text, problem: `"${text}" is not closed with "}"; write "$\${" for a literal "\${"` };
  const m = /^(secret|env):([A-Za-z_][A-Za-z0-9_.-]*?)(?::-(.*))?$/s.exec(inside);
  if (m && (m[1] === 'env' || m[3] === undefined))
    return { text, kind: m[1] as 'secret' | 'env', name: m[2]!, ...(m[3] !== undefined && { fallback: m[3] }) };
  const [kind = '', name] = inside.split(':');
  const meant = name === undefined ? undefined : nearest(kind, ['secret', 'env']);
  return {
    text,
    problem: `"${text}" is not a reference: \${secret:NAME}, \${env:NAME} or \${env:NAME:-default}; write "$\${" for a literal "\${"`,
    ...(meant !== undefined && meant !== kind && { suggestion: text.replace(kind, meant) }),
  };
}

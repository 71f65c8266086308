/** Secrets that stand in a file in clear instead of behind a reference. */
import { registerSecret } from '../../lib/redact.ts';
import type { Path } from '../../lib/spec/common.ts';
import { isMapping } from '../../lib/spec/common.ts';
import type { Spec } from '../../lib/spec/spec.ts';
import type { Report } from '../report.ts';

/** Warns of each, and registers it with `redact`, so that no message shows it. `value` is as written, before references are resolved. */
export function reportClearSecrets(spec: Spec<unknown>, value: unknown, report: Report): void {
  for (const { path, text } of clearSecrets(spec, value, [])) {
    registerSecret(text);
    report.warn(path, {
      message: `the secret "${path.at(-1)}" is written in clear`,
      hint: `Store it with the secrets and write \${secret:NAME}`,
    });
  }
}

function* clearSecrets(spec: Spec<unknown>, value: unknown, path: Path): Generator<{ path: Path; text: string }> {
  if (value === null || value === undefined || !mayHoldSecrets(spec)) return;
  if (spec.info.secret) {
    const text = String(value);
    if (typeof value !== 'object' && text !== '' && !text.includes('${')) yield { path, text };
  }
  const { children } = spec;
  if (children?.kind === 'items') {
    const entries = Array.isArray(value) ? [...value.entries()] : isMapping(value) ? Object.entries(value) : [];
    for (const [key, item] of entries) yield* clearSecrets(children.item, item, [...path, key]);
  } else if (children && isMapping(value)) {
    const chosen = children.kind === 'variants' ? children.variants.find((v) => v.type === value.type) : undefined;
    const fields = children.kind === 'object' ? children.fields : (chosen?.spec.fields ?? {});
    for (const [key, field] of Object.entries(fields)) yield* clearSecrets(field, value[key], [...path, key]);
  }
}

const known = new WeakMap<Spec<unknown>, boolean>();

/** Spares the walk through parts without secrets, which is nearly everything. */
function mayHoldSecrets(spec: Spec<unknown>): boolean {
  let answer = known.get(spec);
  if (answer === undefined) {
    const { children } = spec;
    const inside =
      children?.kind === 'items'
        ? [children.item]
        : children?.kind === 'object'
          ? Object.values(children.fields)
          : (children?.variants.map((v) => v.spec) ?? []);
    answer = spec.info.secret === true || inside.some(mayHoldSecrets);
    known.set(spec, answer);
  }
  return answer;
}

/** Keeps secrets out of whatever is written. Every resolved secret is registered; every line that leaves the process passes `redact`. */

/** Longest first: a secret may be part of another, and of the longer one nothing may be left. */
let secrets: string[] = [];

/** Values shorter than four characters are not registered: they would blank out ordinary text. */
export function registerSecret(value: string): void {
  if (value.length < 4) return;
  const known = new Set([...secrets, value, encodeURIComponent(value)]);
  secrets = [...known].sort((a, b) => b.length - a.length);
}

export function redact(text: string): string {
  for (const s of secrets) if (text.includes(s)) text = text.replaceAll(s, '***');
  return text;
}

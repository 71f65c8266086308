/** Keeps secrets out of whatever is written. Every resolved secret is registered; every line that leaves the process passes `redact`. */

const secrets = new Set<string>();

/** Values shorter than four characters are not registered: they would blank out ordinary text. */
export function registerSecret(value: string): void {
  if (value.length >= 4) {
    secrets.add(value);
    const encoded = encodeURIComponent(value);
    if (encoded !== value) secrets.add(encoded);
  }
}

export function redact(text: string): string {
  for (const s of secrets) if (text.includes(s)) text = text.replaceAll(s, '***');
  return text;
}

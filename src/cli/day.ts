/** A day on a command line. */
import { usage } from './parse.ts';

/** `2026-11-25`. Errors: `cli.usage` for anything else. */
export function dayOption(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
  if (!isDay || new Date(text).toISOString().slice(0, 10) !== text)
    throw usage(`--${name} is a day such as 2026-11-25, not "${text}"`);
  return text;
}

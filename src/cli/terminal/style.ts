/** Colours, and text that is safe to show. */

/** Wraps text in the codes of a colour, or leaves it as it is. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

const paint = (on: boolean, open: number, close: number) => (text: string) =>
  on && text !== '' ? `\x1b[${open}m${text}\x1b[${close}m` : text;

export function styleFor(colours: boolean): Style {
  return {
    bold: paint(colours, 1, 22),
    dim: paint(colours, 2, 22),
    red: paint(colours, 31, 39),
    green: paint(colours, 32, 39),
    yellow: paint(colours, 33, 39),
    cyan: paint(colours, 36, 39),
  };
}

/** By the conventions: NO_COLOR wins, then FORCE_COLOR, then whether a person looks. */
export function wantsColour(stream: { isTTY?: boolean }, env: Record<string, string | undefined>): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return stream.isTTY === true && env.TERM !== 'dumb';
}

/** Received text on one line, without control characters: a file's content must not steer a terminal. */
export function visible(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (c) =>
    c === '\n' ? '⏎' : c === '\t' ? '→' : c === '\r' ? '' : '�',
  );
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Columns that a text without codes takes on the screen. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const c of text) width += /\p{Mark}|\u200d|\ufe0f/u.test(c) ? 0 : WIDE.test(c) ? 2 : 1;
  return width;
}

/** At most `width` columns; what is cut ends in `…`. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let out = '';
  let used = 0;
  for (const c of text) {
    const w = widthOf(c);
    if (used + w > width - 1) break;
    out += c;
    used += w;
  }
  return `${out}…`;
}

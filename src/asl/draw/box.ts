/** Boxes and wrapped text of fixed width. Every character counts as one column. */

/** Where the line of the flow runs, from the left edge of a box. */
export const RAIL = 4;

/** A box of `width` columns with a title on the left and a kind on the right; `leaves`: the flow goes on below it. */
export function box(title: string, kind: string, content: string[], width: number, leaves: boolean): string[] {
  const name = cut(title, width - kind.length - 9);
  const rule = '─'.repeat(Math.max(1, width - name.length - kind.length - 8));
  const bottom = leaves ? `└${'─'.repeat(RAIL - 1)}┬${'─'.repeat(width - RAIL - 2)}┘` : `└${'─'.repeat(width - 2)}┘`;
  return [`┌─ ${name} ${rule} ${kind} ─┐`, ...content.map((line) => `│ ${line.padEnd(width - 4)} │`), bottom];
}

/** A line across with words in it. */
export function heading(words: string, width: number): string {
  const text = cut(words, width - 8);
  return `╌╌ ${text} ${'╌'.repeat(Math.max(2, width - text.length - 4))}`;
}

/** Lines of at most `width`, broken at blanks where possible; those after the first are indented by `hang`. */
export function wrap(text: string, width: number, hang = 0): string[] {
  const out: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const indent = out.length > 0 ? hang : 0;
    const blank = rest.lastIndexOf(' ', width);
    const at = blank > indent + (width - indent) / 3 ? blank : width;
    out.push(rest.slice(0, at));
    rest = ' '.repeat(hang) + rest.slice(at).trimStart();
  }
  out.push(rest);
  return out;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(1, width - 1))}…`;
}

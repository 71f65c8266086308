/** Names of tables as people write them: parts with dots between, quoted where they have dots themselves, `*` for any characters. */

export interface TablePart {
  /** As written, without quotes. */
  text: string;
  /** Undefined when it is a plain name. */
  regex: RegExp | undefined;
}

const PART = /"((?:[^"]|"")+)"|`((?:[^`]|``)+)`|([^\s."`]+)/y;

/** One to three parts, the table last. Undefined when the text is no name. A quoted part is never a pattern. */
export function parseTableName(text: string): TablePart[] | undefined {
  const parts: TablePart[] = [];
  for (let at = 0; ; at++) {
    PART.lastIndex = at;
    const m = PART.exec(text);
    if (!m) return undefined;
    const plain = m[3];
    parts.push(
      plain === undefined
        ? { text: m[1]?.replaceAll('""', '"') ?? m[2]!.replaceAll('``', '`'), regex: undefined }
        : { text: plain, regex: plain.includes('*') ? patternOf(plain) : undefined },
    );
    at = PART.lastIndex;
    if (at === text.length) return parts.length <= 3 ? parts : undefined;
    if (text[at] !== '.') return undefined;
  }
}

export const isPattern = (parts: readonly TablePart[]): boolean => parts.some((p) => p.regex !== undefined);

/** Whether a part of a name is the one written. Patterns do not care for case. */
export const partMatches = ({ text, regex }: TablePart, name: string): boolean =>
  regex ? regex.test(name) : text === name;

function patternOf(text: string): RegExp {
  const literal = text.split('*').map((t) => t.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`, 'isu');
}

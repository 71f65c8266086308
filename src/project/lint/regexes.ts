/** Regular expressions of a configuration: two dialects, JavaScript for totals in control files and trailers, RE2 for rules over rows. */

/** Names of the groups of a JavaScript expression, or what is wrong with it. */
export function namedGroups(source: string): string[] | { problem: string } {
  try {
    // With an empty alternative it matches anything, and so tells all its groups.
    return Object.keys(new RegExp(`${source}|`).exec('')?.groups ?? {});
  } catch (error) {
    return { problem: wrong(error) };
  }
}

/** What is wrong with an RE2 expression, as far as can be told without RE2: look-around, back-references and unbalanced brackets. */
export function re2Problem(source: string): string | undefined {
  const bare = source.replaceAll(/\\Q[\s\S]*?(?:\\E|$)/g, '').replaceAll(/\\\\/g, '');
  if (/\(\?<?[=!]/.test(bare)) return 'RE2 expressions have no look-ahead and look-behind';
  if (/\\[1-9]/.test(bare)) return 'RE2 expressions have no back-references';
  const asJavaScript = bare
    .replaceAll(/\(\?[imsU-]+\)/g, '')
    .replaceAll(/\(\?[imsU-]+:/g, '(?:')
    .replaceAll('(?P<', '(?<');
  try {
    new RegExp(asJavaScript);
    return undefined;
  } catch (error) {
    return wrong(error);
  }
}

const wrong = (error: unknown) =>
  `the regular expression is wrong: ${(error as Error).message.replace(/^Invalid regular expression: /, '')}`;

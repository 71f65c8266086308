/** What a folder's index says: pure reading of HTML and JSON. */

export interface IndexEntry {
  /** Path below the folder, decoded. A folder's ends in `/`. */
  below: string;
  bytes?: number;
  modifiedAt?: string;
}

/**
 * Where the links of a page lead, each once: those below the page's own folder. Links with a query or fragment (sorting, paging)
 * are no files.
 */
export function linksOf(html: string, page: URL): IndexEntry[] {
  const folder = new URL('.', page);
  const found = new Set<string>();
  for (const [, quoted, single, bare] of html.matchAll(/<a\s[^>]*?\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/gi)) {
    const url = URL.parse(unescapeHtml((quoted ?? single ?? bare)!.trim()), page.href);
    if (url?.origin !== folder.origin || url.search !== '' || url.hash !== '') continue;
    const below = url.pathname.startsWith(folder.pathname) && decode(url.pathname.slice(folder.pathname.length));
    if (below) found.add(below);
  }
  return [...found].map((below) => ({ below }));
}

function unescapeHtml(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
}

/** Undefined when it is not percent-encoded UTF-8. */
function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** A JSON list of names, or of nginx's entries. Undefined when it is neither. */
export function entriesOf(json: string): IndexEntry[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  const entries = list.map(entryOf);
  return entries.every((entry) => entry !== undefined) ? entries : undefined;
}

function entryOf(item: unknown): IndexEntry | undefined {
  if (typeof item === 'string') return { below: item };
  const { name, type, size, mtime } = (item ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string') return undefined;
  const modified = typeof mtime === 'string' ? new Date(mtime) : undefined;
  return {
    below: type === 'directory' ? `${name}/` : name,
    ...(typeof size === 'number' && { bytes: size }),
    ...(modified && !Number.isNaN(modified.getTime()) && { modifiedAt: modified.toISOString() }),
  };
}

/** The plain text of a mail: the same as its HTML. Pure. */
import type { Page } from './html.ts';

const WIDTH = 78;

export function renderText(page: Page): string {
  const facts = Math.max(0, ...page.facts.map((f) => f.name.length));
  const parts = [
    `${page.label.toUpperCase()} · ${page.project}`,
    `${page.title}\n${'='.repeat(Math.min(WIDTH, page.title.length))}`,
    wrap(page.summary),
    page.facts.map((f) => `${`${f.name}:`.padEnd(facts + 2)}${f.value}`).join('\n'),
    ...page.tables.map((t) => [t.heading, '-'.repeat(t.heading.length), columns(t), t.more].filter(Boolean).join('\n')),
    page.advice.length > 0 ? `What to do\n----------\n${page.advice.map((a) => wrap(a)).join('\n')}` : '',
    page.command === null ? '' : `    ${page.command}`,
    page.link === null ? '' : `${page.link.text}: ${page.link.url}`,
    `-- \n${page.footer}`,
  ];
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}

function columns({ columns, rows }: Page['tables'][number]): string {
  const lines = [columns, ...rows.map((r) => r.cells)];
  const widths = columns.map((_, i) => Math.max(...lines.map((l) => (l[i] ?? '').length)));
  return lines
    .map((l) => l.map((cell, i) => (i === l.length - 1 ? cell : cell.padEnd(widths[i]!))).join('  '))
    .join('\n');
}

function wrap(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line && line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line].join('\n');
}

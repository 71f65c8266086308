/**
 * The HTML of a mail. Tables and inline styles, as Outlook wants them; colours for dark screens where the mail program reads style sheets.
 * Nothing is fetched: no pictures, no fonts. Pure.
 */

export interface Page {
  project: string;
  /** Of the bar and the label. */
  tone: 'critical' | 'warning' | 'info' | 'resolved' | 'report';
  label: string;
  title: string;
  summary: string;
  facts: { name: string; value: string }[];
  /** A table with a heading, e.g. what happened when. */
  tables: { heading: string; columns: string[]; rows: { cells: string[]; tone?: Page['tone'] }[]; more?: string }[];
  advice: string[];
  command: string | null;
  link: { url: string; text: string } | null;
  footer: string;
}

const TONES: Record<Page['tone'], { bar: string; soft: string; ink: string }> = {
  critical: { bar: '#c62828', soft: '#fdecea', ink: '#8e1b1b' },
  warning: { bar: '#d9820a', soft: '#fef4e3', ink: '#7a4a05' },
  info: { bar: '#2f6db5', soft: '#e8f0fa', ink: '#1d4675' },
  resolved: { bar: '#2e7d4f', soft: '#e6f4ec', ink: '#1c5535' },
  report: { bar: '#44546a', soft: '#edf0f4', ink: '#333f50' },
};

const FONT = "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const MONO = "font-family:SFMono-Regular,Menlo,Consolas,'Courier New',monospace";

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
const h = escapeHtml;

const DARK = `@media (prefers-color-scheme:dark){
.g-page{background:#15181c!important}.g-card{background:#1f242a!important;border-color:#343b44!important}
.g-ink{color:#eceff3!important}.g-dim{color:#a4adb9!important}.g-line{border-color:#343b44!important}
.g-code{background:#12151a!important;color:#e3e8ee!important;border-color:#343b44!important}
.g-label{background:#2c333b!important;color:#f2f4f7!important}}
@media (max-width:640px){.g-pad{padding-left:18px!important;padding-right:18px!important}}`;

export function renderHtml(page: Page): string {
  const tone = TONES[page.tone];
  const rows = [
    `<tr><td style="height:6px;line-height:6px;font-size:6px;background:${tone.bar}" bgcolor="${tone.bar}">&nbsp;</td></tr>`,
    block(
      `<span class="g-label" style="display:inline-block;padding:3px 10px;border-radius:4px;background:${tone.soft};color:${tone.ink};font-size:12px;line-height:18px;font-weight:600">${h(page.label)}</span>` +
        `<span class="g-dim" style="color:#66707d;font-size:13px;line-height:18px">&nbsp;&nbsp;${h(page.project)}</span>` +
        `<h1 class="g-ink" style="margin:14px 0 8px;font-size:21px;line-height:28px;font-weight:650;color:#1d2329">${h(page.title)}</h1>` +
        `<p class="g-ink" style="margin:0;font-size:15px;line-height:23px;color:#333b45">${h(page.summary)}</p>`,
      '26px',
    ),
    page.facts.length > 0 ? block(factsTable(page.facts), '18px') : '',
    ...page.tables.map((t) => block(dataTable(t), '22px')),
    page.advice.length > 0 || page.command !== null ? block(adviceBlock(page), '22px') : '',
    page.link ? block(button(page.link, tone.bar), '22px') : '',
    `<tr><td style="height:28px;line-height:28px;font-size:1px">&nbsp;</td></tr>`,
  ];
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<title>${h(page.title)}</title><style>${DARK}</style></head>
<body class="g-page" style="margin:0;padding:0;background:#f2f4f6" bgcolor="#f2f4f6">
<div style="display:none;max-height:0;overflow:hidden">${h(page.summary)}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="g-page" style="background:#f2f4f6" bgcolor="#f2f4f6"><tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="640" cellpadding="0" cellspacing="0" border="0" class="g-card" style="width:100%;max-width:640px;background:#ffffff;border:1px solid #dfe3e8;border-radius:8px;overflow:hidden;${FONT}" bgcolor="#ffffff">
${rows.filter(Boolean).join('\n')}
</table>
<p class="g-dim" style="margin:14px 0 0;max-width:640px;${FONT};font-size:12px;line-height:18px;color:#7a8491">${h(page.footer)}</p>
</td></tr></table></body></html>
`;
}

const block = (content: string, above: string) =>
  `<tr><td class="g-pad" style="padding:${above} 32px 0;${FONT}">${content}</td></tr>`;

function factsTable(facts: Page['facts']): string {
  const row = ({ name, value }: Page['facts'][number]) =>
    `<tr><td class="g-dim g-line" valign="top" style="padding:7px 18px 7px 0;border-top:1px solid #e8ebef;font-size:13px;line-height:20px;color:#66707d;white-space:nowrap">${h(name)}</td>` +
    `<td class="g-ink g-line" valign="top" width="100%" style="padding:7px 0;border-top:1px solid #e8ebef;font-size:14px;line-height:20px;color:#1d2329;word-break:break-word">${h(value)}</td></tr>`;
  return `<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">${facts.map(row).join('')}</table>`;
}

function dataTable({ heading, columns, rows, more }: Page['tables'][number]): string {
  // Figures stand under each other at their last digit.
  const numeric = columns.map((_, i) => rows.length > 0 && rows.every((r) => /^[\d,.–-]*$/.test(r.cells[i] ?? '')));
  const align = (i: number) => (numeric[i] ? 'right' : 'left');
  const pad = (i: number) => (i === columns.length - 1 ? '0' : '14px');
  const head = columns
    .map(
      (c, i) =>
        `<th class="g-dim" align="${align(i)}" style="padding:0 ${pad(i)} 6px 0;font-size:12px;line-height:18px;font-weight:500;color:#66707d;text-align:${align(i)}">${h(c)}</th>`,
    )
    .join('');
  const body = rows
    .map(({ cells, tone }) => {
      const td = cells.map((cell, i) => {
        const mark =
          i === 0 && tone ? `<span style="color:${TONES[tone].bar};font-size:11px">&#9679;</span>&nbsp;&nbsp;` : '';
        return `<td class="g-ink g-line" valign="top" align="${align(i)}" style="padding:7px ${pad(i)} 7px 0;border-top:1px solid #e8ebef;font-size:14px;line-height:20px;color:#1d2329;text-align:${align(i)};${isTime(cell) ? 'white-space:nowrap' : 'word-break:break-word'}">${mark}${h(cell)}</td>`;
      });
      return `<tr>${td.join('')}</tr>`;
    })
    .join('');
  const rest = more
    ? `<p class="g-dim" style="margin:8px 0 0;font-size:13px;line-height:20px;color:#66707d">${h(more)}</p>`
    : '';
  return `${title(heading)}<table width="100%" cellpadding="0" cellspacing="0" border="0"><tr>${head}</tr>${body}</table>${rest}`;
}

/** Times stay on one line. */
const isTime = (cell: string) => /^\d{1,2} \w+( \d{4})?, \d\d:\d\d$/.test(cell);

const title = (text: string) =>
  `<h2 class="g-ink" style="margin:0 0 8px;font-size:15px;line-height:22px;font-weight:650;color:#1d2329">${h(text)}</h2>`;

function adviceBlock({ advice, command }: Page): string {
  const lines = advice.map(
    (a) =>
      `<p class="g-ink" style="margin:0 0 6px;font-size:14px;line-height:21px;color:#333b45;word-break:break-word">${h(a)}</p>`,
  );
  const code =
    command === null
      ? ''
      : `<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin-top:10px"><tr><td class="g-code" style="padding:11px 14px;background:#f5f6f8;border:1px solid #e3e7eb;border-radius:6px;${MONO};font-size:13px;line-height:20px;color:#1d2329;word-break:break-all" bgcolor="#f5f6f8">${h(command)}</td></tr></table>`;
  return `${title('What to do')}${lines.join('')}${code}`;
}

function button({ url, text }: { url: string; text: string }, colour: string): string {
  return `<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr><td style="background:${colour};border-radius:6px" bgcolor="${colour}"><a href="${h(url)}" style="display:inline-block;padding:10px 20px;${FONT};font-size:14px;line-height:20px;font-weight:600;color:#ffffff;text-decoration:none">${h(text)}</a></td></tr></table>`;
}

/** A notification as a message: title, text, HTML, facts. Pure. */
import { redact } from '../../lib/redact.ts';
import { formatCount, plural } from '../../lib/units.ts';
import type { Happening, NotificationDoc, Severity } from '../../model/notifications.ts';
import type { Message } from '../../ports/notifier.ts';
import { type DigestFacts, digestPage } from './digest-page.ts';
import { type Page, renderHtml } from './html.ts';
import { formatSpan, formatTime, shortTime } from './local-time.ts';
import { renderText } from './text.ts';
import { sentence, wordsFor } from './words.ts';

export interface ComposeSettings {
  /** Name of the project. */
  project: string;
  /** Base of links; none, no links. */
  link: string | undefined;
  /** In which times are shown. */
  timeZone: string;
}

/** A line of a summary, made of the notification that it takes the place of. */
export interface SummaryLine {
  kind: NotificationDoc['kind'];
  severity: Severity;
  title: string;
  since: string;
  tenant: string;
}
export interface SummaryReport {
  /** The worst first, at most 50. */
  lines: SummaryLine[];
  /** All of them. */
  total: number;
  critical: number;
  resolved: number;
  /** They waited for the end of quiet hours. */
  waited: boolean;
}

const LABELS: Record<Severity, string> = { critical: 'Critical', warning: 'Warning', info: 'For information' };

/** `nowMs`: when it is first sent; a repetition is not composed again. */
export function compose(entry: NotificationDoc, settings: ComposeSettings, nowMs: number): Message {
  const at = new Date(nowMs).toISOString();
  const page =
    entry.kind === 'digest'
      ? digestPage(entry.report as unknown as DigestFacts, settings)
      : entry.kind === 'summary'
        ? summaryPage(entry, settings)
        : problemPage(entry, settings, nowMs);
  const prefix = entry.kind === 'digest' ? 'Daily digest: ' : page.tone === 'critical' ? 'Critical: ' : '';
  const clean: Page = JSON.parse(redact(JSON.stringify(page)));
  return {
    id: entry.id,
    severity: entry.severity,
    mood: page.tone === 'resolved' ? 'resolved' : page.tone === 'report' ? 'report' : 'problem',
    title: oneLine(`[${settings.project}] ${prefix}${clean.title}`, 180),
    text: renderText(clean),
    html: renderHtml(clean),
    summary: clean.summary,
    facts: clean.facts,
    advice: clean.advice,
    command: clean.command,
    link: clean.link?.url ?? null,
    thread: entry.incident,
    at,
    data: JSON.parse(
      redact(
        JSON.stringify({
          kind: entry.kind,
          project: settings.project,
          tenant: entry.tenant,
          incident: entry.incident,
          since: entry.since,
          count: entry.count,
          total: entry.total,
          happenings: entry.happenings,
          report: entry.report,
        }),
      ),
    ),
  };
}

/** What a summary says of a notification. */
export function summaryLine({ kind, severity, happenings, total, since, tenant }: NotificationDoc): SummaryLine {
  return { kind, severity, title: wordsFor(happenings, total).title, since, tenant };
}

const oneLine = (text: string, length: number) => {
  const line = text.replaceAll(/[\u0000-\u001f\u007f\s]+/g, ' ').trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
};

const linkTo = ({ link }: ComposeSettings, path: string) =>
  link === undefined ? null : { url: `${link.replace(/\/+$/, '')}${path}`, text: 'Open in Granary' };

const footerOf = ({ project }: ComposeSettings) =>
  `Sent by Granary for the project ${project}. Who is told what is under "notifications" in granary.yaml.`;

function problemPage(entry: NotificationDoc, settings: ComposeSettings, nowMs: number): Page {
  const { kind, happenings, severity, since, total } = entry;
  const last = happenings.at(-1)!;
  const words = wordsFor(happenings, total);
  const resolvedAt = kind === 'resolved' ? String(entry.report?.resolved_at) : undefined;
  const time = (iso: string) => `${formatTime(iso, settings.timeZone)} (${settings.timeZone})`;
  const span = formatSpan((resolvedAt === undefined ? nowMs : Date.parse(resolvedAt)) - Date.parse(since));
  const facts: Page['facts'] = [
    { name: 'Where', value: last.subject },
    ...(last.tenant !== 'main' ? [{ name: 'Tenant', value: last.tenant }] : []),
    ...(kind === 'event' ? [{ name: 'When', value: time(last.at) }] : [{ name: 'Since', value: time(since) }]),
    ...(resolvedAt !== undefined ? [{ name: 'Until', value: `${time(resolvedAt)}, after ${span}` }] : []),
    ...(kind === 'reminder' ? [{ name: 'Open for', value: span }] : []),
    ...(total > 1 ? [{ name: 'How often', value: `${formatCount(total)} times, last ${time(last.at)}` }] : []),
    ...(kind === 'resolved' ? [] : detailsOf(last, happenings.length > 1)),
  ];
  const shown = { ...words, facts, tables: happenings.length > 1 ? [tableOf(entry, settings)] : [] };
  const common = { project: settings.project, footer: footerOf(settings), link: linkTo(settings, words.page) };
  if (kind === 'resolved')
    return {
      ...shown,
      ...common,
      tone: 'resolved',
      label: 'Resolved',
      title: `Resolved: ${words.title}`,
      summary: `This is over; it lasted ${span}. There is nothing to do.`,
      advice: [],
      command: null,
    };
  return {
    ...shown,
    ...common,
    tone: severity,
    label: kind === 'reminder' ? `Still open · ${LABELS[severity]}` : LABELS[severity],
    title: kind === 'reminder' ? `Still open: ${words.title}` : words.title,
  };
}

/** Facts of events that are worth a line, and what they are called. */
const DETAILS: [key: string, name: string][] = [
  ['code', 'Error'],
  ['state', 'Step'],
  ['run', 'Run'],
  ['pipeline', 'Pipeline'],
  ['name', 'File'],
  ['file', 'File'],
  ['due', 'Due'],
  ['expected', 'Expected'],
  ['found', 'Found'],
  ['rows', 'Rows'],
  ['bytes', 'Bytes'],
  ['dead_letter', 'Dead letter'],
];

/** `listed`: what differs from one to the next is in a table of its own. */
function detailsOf({ data, subject }: Happening, listed: boolean): Page['facts'] {
  const taken = new Set<string>(listed ? ['Run', 'File', 'Dead letter', 'Rows', 'Bytes'] : []);
  return DETAILS.flatMap(([key, name]) => {
    const value = data[key];
    if ((typeof value !== 'string' && typeof value !== 'number') || value === '' || value === subject) return [];
    if (taken.has(name)) return [];
    taken.add(name);
    return [{ name, value: typeof value === 'number' ? formatCount(value) : value }];
  });
}

const MAX_ROWS = 10;

function tableOf({ happenings, count }: NotificationDoc, { timeZone }: ComposeSettings): Page['tables'][number] {
  const shown = happenings.slice(-MAX_ROWS).reverse();
  const rest = count - shown.length;
  return {
    heading: 'What happened',
    columns: ['When', 'What', 'Why'],
    rows: shown.map((h) => {
      const what = h.data.name ?? h.data.file ?? h.data.run ?? h.type;
      const first = Array.isArray(h.data.reasons) ? (h.data.reasons[0] as { message?: string } | undefined) : undefined;
      const why = String(h.data.reason ?? h.data.error ?? h.data.note ?? first?.message ?? '');
      const cells = [shortTime(h.at, timeZone), String(what), why.length > 160 ? `${why.slice(0, 159)}…` : why];
      return { cells, tone: h.severity };
    }),
    ...(rest > 0 && { more: `and ${formatCount(rest)} more` }),
  };
}

function summaryPage(entry: NotificationDoc, settings: ComposeSettings): Page {
  const report = entry.report as unknown as SummaryReport;
  const problems = report.total - report.resolved;
  const parts = [
    ...(problems > 0 ? [plural(problems, 'problem')] : []),
    ...(report.resolved > 0
      ? [problems > 0 ? `${report.resolved} resolved` : `${plural(report.resolved, 'problem')} resolved`]
      : []),
  ];
  const title = parts.join(', ');
  const why = report.waited
    ? 'They waited for the end of the quiet hours.'
    : 'They came together, so they are told together.';
  const rest = report.total - report.lines.length;
  return {
    project: settings.project,
    tone: problems === 0 ? 'resolved' : entry.severity,
    label: problems === 0 ? 'Resolved' : LABELS[entry.severity],
    title,
    summary: `${sentence(title)}${report.critical > 0 ? ` ${report.critical} of the problems ${report.critical === 1 ? 'is' : 'are'} critical.` : ''} ${why}`,
    facts: [],
    tables: [
      {
        heading: 'Problems',
        columns: ['What', 'State', 'Since'],
        rows: report.lines.map((l) => ({
          cells: [
            l.tenant === 'main' ? l.title : `${l.title} (${l.tenant})`,
            l.kind === 'resolved' ? 'Resolved' : LABELS[l.severity],
            formatTime(l.since, settings.timeZone),
          ],
          tone: l.kind === 'resolved' ? 'resolved' : l.severity,
        })),
        ...(rest > 0 && { more: `and ${formatCount(rest)} more` }),
      },
    ],
    advice:
      problems > 1
        ? ['Many problems at once often have one cause: a server that is down, a full disk, a changed password.']
        : [],
    command: problems > 0 ? 'granary status' : null,
    link: linkTo(settings, '/'),
    footer: footerOf(settings),
  };
}

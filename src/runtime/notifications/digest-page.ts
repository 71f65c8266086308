/** The daily digest: its figures, and how they are shown. Pure. */
import { formatCount, plural } from '../../lib/units.ts';
import type { Severity } from '../../model/notifications.ts';
import type { ComposeSettings } from './compose.ts';
import type { Page } from './html.ts';
import { formatTime } from './local-time.ts';

/** An expectation of the day, for the digest. */
export interface ExpectationLine {
  dataset: string;
  /** `arrived`, `late`, `missed`, `due`, `forgiven`. */
  state: string;
  /** Due when, or arrived when. */
  note: string;
}

export interface DigestFacts {
  /** ISO 8601, UTC. */
  from: string;
  to: string;
  runs: { succeeded: number; failed: number; interrupted: number; running: number };
  rows: { received: number; loaded: number; filtered: number; deduplicated: number; rejected: number };
  files: { landed: number; quarantined: number };
  /** Open dead letters by dataset or pipeline, most first, at most 20. */
  deadLetters: { subject: string; open: number }[];
  deadLettersOpen: number;
  expectations: ExpectationLine[] | null;
  /** The worst first, at most 20. */
  problems: { title: string; severity: Severity; since: string; count: number }[];
  problemsOpen: number;
  resolved: number;
  /** Messages that could not be delivered. */
  undelivered: number;
}

export function digestPage(facts: DigestFacts, settings: ComposeSettings): Page {
  const { runs, rows, files } = facts;
  const time = (iso: string) => formatTime(iso, settings.timeZone);
  const total = runs.succeeded + runs.failed + runs.interrupted + runs.running;
  const late = (facts.expectations ?? []).filter((e) => e.state === 'late' || e.state === 'missed').length;
  const good = facts.problemsOpen === 0 && facts.deadLettersOpen === 0 && late === 0;
  const open = facts.problemsOpen;
  const summary = good
    ? `All is well: ${plural(total, 'run')}, ${formatCount(rows.loaded)} rows loaded, nothing open.`
    : `${plural(total, 'run')}, ${formatCount(rows.loaded)} rows loaded; ${plural(open, 'problem')} and ${plural(facts.deadLettersOpen, 'dead letter')} open.`;
  return {
    project: settings.project,
    tone: 'report',
    label: 'Daily digest',
    title: good ? 'All is well' : `${plural(open, 'open problem')}${late > 0 ? `, ${late} late` : ''}`,
    summary,
    facts: [
      { name: 'Time', value: `${time(facts.from)} to ${time(facts.to)} (${settings.timeZone})` },
      { name: 'Runs', value: countsOf(runs) },
      { name: 'Files', value: `${formatCount(files.landed)} landed, ${formatCount(files.quarantined)} quarantined` },
      { name: 'Rows received', value: formatCount(rows.received) },
      { name: 'Loaded', value: formatCount(rows.loaded) },
      { name: 'Filtered', value: formatCount(rows.filtered) },
      { name: 'Deduplicated', value: formatCount(rows.deduplicated) },
      { name: 'Rejected', value: formatCount(rows.rejected) },
      { name: 'Resolved', value: plural(facts.resolved, 'problem') },
      ...(facts.undelivered > 0 ? [{ name: 'Not delivered', value: plural(facts.undelivered, 'message') }] : []),
    ],
    tables: [
      ...table(
        'Open problems',
        ['What', 'Times', 'Since'],
        facts.problems.map((p) => ({ cells: [p.title, formatCount(p.count), time(p.since)], tone: p.severity })),
        facts.problemsOpen,
      ),
      ...table(
        'Open dead letters',
        ['Where', 'Open'],
        facts.deadLetters.map((d) => ({ cells: [d.subject, formatCount(d.open)] })),
        facts.deadLetters.length,
      ),
      ...table(
        'Expectations',
        ['Dataset', 'State', 'When'],
        (facts.expectations ?? []).map((e) => ({ cells: [e.dataset, e.state, e.note], tone: toneOf(e.state) })),
        (facts.expectations ?? []).length,
      ),
    ],
    advice: [],
    command: good ? null : 'granary status',
    link: settings.link === undefined ? null : { url: `${settings.link.replace(/\/+$/, '')}/`, text: 'Open Granary' },
    footer: `Sent by Granary every day for the project ${settings.project}, as "notifications.digest" in granary.yaml says.`,
  };
}

const toneOf = (state: string): Page['tone'] =>
  state === 'missed' ? 'critical' : state === 'late' ? 'warning' : state === 'arrived' ? 'resolved' : 'info';

function countsOf(runs: DigestFacts['runs']): string {
  const known = Object.entries(runs).filter(([, n]) => n > 0);
  return known.length === 0 ? 'none' : known.map(([status, n]) => `${formatCount(n)} ${status}`).join(', ');
}

/** No table without rows. */
function table(
  heading: string,
  columns: string[],
  rows: Page['tables'][number]['rows'],
  total: number,
): Page['tables'] {
  if (rows.length === 0) return [];
  const rest = total - rows.length;
  return [{ heading, columns, rows, ...(rest > 0 && { more: `and ${formatCount(rest)} more` }) }];
}

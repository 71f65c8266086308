/** What each kind of problem is called, and what to do about it. Pure. */
import type { EventType } from '../../model/events.ts';
import type { Happening, IncidentKind } from '../../model/notifications.ts';
import { openersOf } from './incidents.ts';

export interface Words {
  /** What is wrong, as a heading: no full stop. */
  title: string;
  /** The same in a sentence or two, with the reason where one is known. */
  summary: string;
  advice: string[];
  command: string | null;
  /** Path of the console. */
  page: string;
}

/** `main/shop/sales` to `shop.sales`, as commands name it. A pipeline or source stays as it is. */
export function shortName(subject: string): string {
  const parts = subject.split('/');
  return parts.length === 3 ? `${parts[1]}.${parts[2]}` : subject;
}

/** Names with letters that a shell would take apart are quoted. */
const shellWord = (text: string) => (/^[\w.,:@%+=/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

const KINDS: IncidentKind[] = [
  'run',
  'dead_letter',
  'quarantine',
  'expectation',
  'unusual',
  'trigger',
  'error_budget',
  'feed',
];
const KIND_OF = new Map<EventType, IncidentKind>(KINDS.flatMap((k) => openersOf(k).map((type) => [type, k] as const)));

/** `happenings`: not empty, oldest first; `count`: how many there were in all. */
export function wordsFor(happenings: readonly Happening[], count: number): Words {
  const last = happenings.at(-1)!;
  const kind = KIND_OF.get(last.type);
  const known = knownOf(last);
  const words = kind === undefined ? eventWords(last) : problemWords(kind, last, count, known);
  const advice = [...(known.hint !== undefined ? [known.hint] : []), ...words.advice];
  return { ...words, advice: [...new Set(advice.map(sentence))] };
}

interface Known {
  reason: string | undefined;
  hint: string | undefined;
  name: string | undefined;
  data: Record<string, unknown>;
}

function knownOf({ data }: Happening): Known {
  const text = (key: string) => (typeof data[key] === 'string' && data[key] !== '' ? (data[key] as string) : undefined);
  const reasons = Array.isArray(data.reasons) ? (data.reasons as { message?: string }[]) : [];
  const reason = text('reason') ?? text('error') ?? text('message') ?? text('note') ?? reasons[0]?.message;
  return { reason, hint: text('hint'), name: text('name') ?? text('file'), data };
}

function problemWords(kind: IncidentKind, last: Happening, count: number, known: Known): Words {
  const { subject } = last;
  const name = shortName(subject);
  const because = known.reason === undefined ? '' : ` ${sentence(known.reason)}`;
  const page = subject.split('/').length === 3 ? `/datasets/${subject}` : `/pipelines/${subject}`;
  const many = (noun: string) => (count === 1 ? `A ${noun}` : `${count} ${noun}s`);
  const letter = typeof known.data.dead_letter === 'string' ? known.data.dead_letter.slice(0, 8) : '';
  switch (kind) {
    case 'run':
      return {
        title: `Pipeline ${name} failed${count > 1 ? ` ${count} times` : ''}`,
        summary: `A run of ${name} ended without success.${because}`,
        advice: ['See what went wrong, mend it, and start the pipeline again; what was done stays done.'],
        command: 'granary runs',
        page: typeof known.data.run === 'string' ? `/runs/${encodeURIComponent(known.data.run)}` : page,
      };
    case 'dead_letter':
      return {
        title: `${many('dead letter')} in ${name}`,
        summary: `${count > 1 ? `The last is ${known.name ?? 'a unit of work'}.` : `${known.name ?? 'A unit of work'} gave up after its retries.`} Everything else goes on.${because}`,
        advice: ['Mend the cause, then try it again; or discard it with a reason.'],
        command: count === 1 && letter ? `granary dlq show ${letter}` : `granary dlq list --dataset ${shellWord(name)}`,
        page: '/dead-letters',
      };
    case 'quarantine':
      return {
        title: `${many('file')} of ${name} in quarantine`,
        summary: `${count > 1 ? 'The last is ' : ''}${known.name ?? (count > 1 ? 'a file' : 'A file')}${count > 1 ? '. Files that failed verification are not loaded.' : ' failed verification; none of its rows were loaded.'}${because}`,
        advice: ['Ask the sender for a right file, or let it pass if it is right after all.'],
        command:
          known.name !== undefined ? `granary quarantine show ${shellWord(known.name)}` : 'granary quarantine list',
        page,
      };
    case 'expectation':
      return {
        title: last.type === 'expectation.missed' ? `${name} has not come` : `${name} is late`,
        summary: `Data of ${name} was expected and has not arrived.${because}`,
        advice: ['Ask the sender, or look whether the source can be reached.'],
        command: 'granary expectations',
        page,
      };
    case 'unusual':
      return {
        title: `${name} looks unusual`,
        summary: `What arrived for ${name} differs from what usually does; it was loaded.${because}`,
        advice: ['Ask the sender whether it is right.'],
        command: 'granary expectations',
        page,
      };
    case 'trigger':
      return {
        title: `${name} was not started`,
        summary: `The schedule of ${name} should have started it and has not.${because}`,
        advice: ['Look whether Granary is running and the pipeline is not paused.'],
        command: 'granary status',
        page,
      };
    case 'error_budget':
      return {
        title: `${name} is over its error budget`,
        summary: `More files of ${name} failed than its error budget allows.${because}`,
        advice: ['Look for one cause behind the failures.'],
        command: `granary dlq list --dataset ${shellWord(name)}`,
        page,
      };
    case 'feed':
      return {
        title: `${name} is behind`,
        summary: `The changes of ${name} are not as fresh as they should be.${because}`,
        advice: [
          'Look whether the server can be reached and the pipeline runs; nothing is lost while its log is kept.',
        ],
        command: 'granary status',
        page,
      };
  }
}

const EVENT_TITLES: Partial<Record<EventType, string>> = {
  'object.landed': 'has a new file',
  'table.changed': 'has new rows',
  'run.started': 'has started',
  'run.succeeded': 'has succeeded',
  'run.interrupted': 'was stopped',
  'dead_letter.resolved': 'has a dead letter less',
  'expectation.met': 'has come',
  'error_budget.restored': 'is within its error budget again',
  'feed.caught_up': 'has caught up',
};

function eventWords({ type, subject, data }: Happening): Words {
  const title = `${shortName(subject)} ${EVENT_TITLES[type] ?? type}`;
  const run = typeof data.run === 'string' && type.startsWith('run.') ? data.run : undefined;
  const rows = typeof data.rows === 'number' ? ` ${data.rows} rows.` : '';
  return {
    title,
    summary: `${title}.${rows}`,
    advice: [],
    command: null,
    page: run === undefined ? '/' : `/runs/${encodeURIComponent(run)}`,
  };
}

/** With a capital, unless it begins with an address, and a full stop. */
export function sentence(text: string): string {
  const t = text.trim();
  const first = t.charAt(0);
  return `${/^[a-z]+:\/\//.test(t) ? first : first.toUpperCase()}${t.slice(1)}${/[.!?…:]$/.test(t) ? '' : '.'}`;
}

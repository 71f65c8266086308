/** The academy: what people do on its learning platform (CSV, one zip a day) and who has completed a course (NDJSON). */
import { CATEGORIES, COURSES, compact } from './company.ts';
import { zip } from './containers.ts';
import type { Random } from './random.ts';
import { Counter, type Tally } from './tally.ts';

export interface AcademyFile {
  bytes: Buffer;
  tally: Tally;
}

export interface ActivityOptions {
  day: string;
  customers: readonly string[];
  /** Events, before those that are sent twice. */
  events: number;
  random: Random;
}

const HEADER = 'event_id,at,customer,course,event,minutes,device';
const DEVICES = ['phone', 'tablet', 'desktop'];

/** A third of the events are heartbeats of open windows: nobody wants them in a warehouse. */
export function makeActivityFile({ day, customers, events, random }: ActivityOptions): AcademyFile {
  const tally = new Counter();
  const lines = [HEADER];
  for (let n = 1; n <= events; n++) {
    const event = random.chance(0.33) ? 'heartbeat' : random.pick(['lesson', 'lesson', 'lesson', 'quiz', 'forum']);
    const hour = String(random.integer(6, 23)).padStart(2, '0');
    const fields = {
      id: `E${compact(day)}${String(n).padStart(6, '0')}`,
      at: `${day} ${hour}:${String(random.integer(0, 59)).padStart(2, '0')}:00`,
      customer: random.pick(customers),
      course: random.pick(COURSES).id,
      event,
      minutes: String(event === 'heartbeat' ? 0 : random.integer(1, 45)),
      device: random.pick(DEVICES),
    };
    if (event === 'heartbeat') {
      tally.add('filtered');
    } else if (random.chance(0.002)) {
      tally.add('rejected');
      if (random.chance(0.5)) fields.minutes = '-1';
      else fields.course = 'K99';
    } else {
      tally.add('loaded');
      if (random.chance(0.004)) {
        lines.push(Object.values(fields).join(','));
        tally.add('deduplicated');
      }
    }
    lines.push(Object.values(fields).join(','));
  }
  const text = Buffer.from(`${lines.join('\n')}\n`);
  return { bytes: zip([{ name: `activity_${compact(day)}.csv`, bytes: text }]), tally };
}

export interface CompletionOptions {
  day: string;
  customers: readonly string[];
  /** Customers by the category in which they have bought something since the beginning. */
  buyers: ReadonlyMap<string, readonly string[]>;
  random: Random;
}

const COMPLETIONS_A_DAY = 160;

export function makeCompletionFile({ day, customers, buyers, random }: CompletionOptions): AcademyFile {
  const tally = new Counter();
  const documents: string[] = [];
  const bookFirst = new Map(CATEGORIES.map((c) => [c.name, c.bookFirst]));
  for (let n = 1; n <= COMPLETIONS_A_DAY; n++) {
    const course = random.pick(COURSES);
    const known = buyers.get(course.topic) ?? [];
    const who = known.length > 0 && random.chance(bookFirst.get(course.topic)!) ? known : customers;
    const broken = random.chance(0.006);
    documents.push(
      JSON.stringify({
        id: `Z${compact(day)}${String(n).padStart(5, '0')}`,
        course: { id: course.id, title: course.title },
        customer: random.pick(who),
        completed_at: `${day}T${String(random.integer(8, 22)).padStart(2, '0')}:${String(random.integer(10, 59))}:00`,
        score: broken ? 140 : random.integer(55, 100),
      }),
    );
    tally.add(broken ? 'rejected' : 'loaded');
  }
  return { bytes: Buffer.from(`${documents.join('\n')}\n`), tally };
}

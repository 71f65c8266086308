/** Lives through the day of the plan: the clock leaps from one time at which something is due or planned to the next. */
import type { RunDoc } from '../../src/model/runs.ts';
import { LeapingClock } from './simulated-day-clock.ts';
import { type DayOwner, startDayOwner } from './simulated-day-owner.ts';
import { END, instant, iso, NOBODY, OUTAGE, SILENCE, SOURCES, START } from './simulated-day-plan.ts';
import { type DayProject, makeDayProject } from './simulated-day-project.ts';
import { startWebhook, type Webhook } from './simulated-day-webhook.ts';

const MINUTE = 60_000;
/** Without anything due it looks in so often, as those who sweep do. */
const LONGEST_LEAP = 15 * MINUTE;

export interface Day {
  /** That of the end of the day: it still runs, and rests. */
  owner: DayOwner;
  project: DayProject;
  webhook: Webhook;
  /** As they ended. */
  runs: RunDoc[];
  /** What the owners complained of: `25 06:32 notifications to ops: notify.unreachable`. */
  problems: string[];
  close(): Promise<void>;
}

export async function liveThroughDay(t: { after(done: () => unknown): void }): Promise<Day> {
  const clock = new LeapingClock(iso(START));
  const webhook = await startWebhook(() => clock.iso());
  const project = await makeDayProject(t, webhook.url);
  const runs: RunDoc[] = [];
  const problems: string[] = [];
  let owner: DayOwner | undefined;
  const open = async () => {
    owner = await startDayOwner({
      dir: project.dir,
      clock,
      onRun: (run) => runs.push(run),
      onProblem: (what, code) => problems.push(`${clock.iso().slice(8, 16).replace('T', ' ')} ${what}: ${code}`),
    });
  };
  const close = async () => {
    await owner?.stop();
    owner = undefined;
  };
  const plan = actsOf(project, webhook, close);
  /** A minute later files are ready. */
  const times = [...new Set([...plan.keys(), instant(NOBODY.to)].flatMap((time) => [time, time + MINUTE]))];
  try {
    for (let now = instant(START); now <= instant(END); ) {
      // Nothing that is due at the same time has happened yet.
      for (const act of plan.get(now) ?? []) await act();
      clock.leap(now);
      if (now === instant(START) || now === instant(NOBODY.to)) await open();
      await owner?.settle();
      const due = (await owner?.nextDue()) ?? Number.POSITIVE_INFINITY;
      const soonest = Math.min(now + LONGEST_LEAP, due, ...times.filter((time) => time > now));
      // Whole minutes: nothing in the plan is finer.
      now = Math.ceil(soonest / MINUTE) * MINUTE;
    }
  } catch (e) {
    await close();
    await webhook.close();
    throw e;
  }
  return {
    owner: owner!,
    project,
    webhook,
    runs,
    problems,
    async close() {
      await close();
      await webhook.close();
    },
  };
}

/** What happens when, by milliseconds; what was there before the start comes with it. */
function actsOf(project: DayProject, webhook: Webhook, nobody: () => Promise<void>) {
  const plan = new Map<number, (() => Promise<void>)[]>();
  const at = (time: string, act: () => Promise<void>) => {
    const when = Math.max(instant(time), instant(START));
    plan.set(when, [...(plan.get(when) ?? []), act]);
  };
  at(NOBODY.from, nobody);
  at(OUTAGE.from, project.takeAway);
  at(SILENCE.from, async () => {
    webhook.down = true;
  });
  at(SILENCE.to, async () => {
    webhook.down = false;
  });
  for (const source of SOURCES) for (const file of source.files ?? []) at(file.at, () => project.deliver(source, file));
  at(OUTAGE.to, project.bringBack);
  return plan;
}

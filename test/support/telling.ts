/** A notifier over a real state store and a real mail server, with time that tests move. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openStateStore } from '../../src/adapters/state-store/sqlite.ts';
import type { GranaryError } from '../../src/lib/errors.ts';
import type { EventDoc, EventType } from '../../src/model/events.ts';
import { NOTIFICATIONS, type NotificationDoc } from '../../src/model/notifications.ts';
import type { StateStore } from '../../src/ports/state-store.ts';
import { notificationsSpec } from '../../src/project/specs/notifications.ts';
import { openChannels } from '../../src/runtime/notifications/channels.ts';
import { Notifier, type NotifierOptions } from '../../src/runtime/notifications/notifier.ts';
import { type Mail, type MailServer, startMailServer } from '../servers/smtp.ts';
import { SimulatedClock } from './simulated-clock.ts';

export interface Telling {
  state: StateStore;
  clock: SimulatedClock;
  server: MailServer;
  notifier: Notifier;
  problems: GranaryError[];
  /** An event that happens now. */
  event(type: EventType, subject: string, data?: Record<string, unknown>): Promise<EventDoc>;
  /** Time passes: a round every minute, and one at the end. */
  pass(minutes: number): Promise<void>;
  /** Subjects of the mails since the last call, without the project. */
  news(): Promise<string[]>;
  mails(): Promise<Mail[]>;
  entries(): Promise<NotificationDoc[]>;
}

export interface TellingOptions extends Partial<NotifierOptions> {
  start?: string;
  /** Over `channels: { ops }`, mail. */
  notifications?: Record<string, unknown>;
  channels?: never;
}

export async function telling(t: TestContext, options: TellingOptions = {}): Promise<Telling> {
  const { start = '2026-11-25T12:00:00Z', notifications = {}, ...more } = options;
  const folder = await mkdtemp('/tmp/granary-telling-');
  const state = await openStateStore(join(folder, 'state.db'));
  const server = await startMailServer();
  t.after(async () => {
    await state.close();
    await server.stop();
    await rm(folder, { recursive: true });
  });
  const mail = { type: 'smtp', host: server.host, port: server.port, tls: 'none', from: 'Granary <g@example.com>' };
  const ops = { ...mail, to: 'ops@example.com', timeout: '5 s' };
  const issues: unknown[] = [];
  const given = (notifications.channels ?? {}) as Record<string, Record<string, unknown>>;
  const others = Object.fromEntries(
    Object.entries(given).map(([name, c]) => [name, 'type' in c ? c : { ...ops, ...c }]),
  );
  const settings = notificationsSpec.parse({ ...notifications, channels: { ops, ...others } }, [], {
    issues: issues as never,
  })!;
  if (issues.length > 0) throw new Error(JSON.stringify(issues));
  const clock = new SimulatedClock(start);
  const problems: GranaryError[] = [];
  const notifier = new Notifier({
    state,
    clock,
    project: 'shop',
    settings,
    channels: await openChannels(settings.channels, { projectDir: folder, clock }),
    onProblem: (error) => problems.push(error),
    ...more,
  } as NotifierOptions);
  let seen = 0;
  let events = 0;
  const self: Telling = {
    state,
    clock,
    server,
    notifier,
    problems,
    async event(type, subject, data = {}) {
      const at = new Date(clock.now()).toISOString();
      const event = { id: `${type}|${subject}|${++events}`, type, subject, tenant: 'main', at, data };
      await notifier.onEvent(event);
      return event;
    },
    async pass(minutes) {
      for (let m = 0; m < minutes; m++) {
        await clock.advance(60_000);
        await notifier.tick();
      }
    },
    async news() {
      const mails = await server.mails();
      const subjects = mails.slice(seen).map((m) => m.subject.replace('[shop] ', ''));
      seen = mails.length;
      return subjects;
    },
    mails: () => server.mails(),
    async entries() {
      const all: NotificationDoc[] = [];
      for await (const e of state.query(NOTIFICATIONS)) all.push(e);
      return all;
    },
  };
  await notifier.tick();
  return self;
}

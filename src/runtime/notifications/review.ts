/** Notifications, as people look after them: what is open, what could not be sent, and whether a channel works. */
import { randomUUID } from 'node:crypto';
import { GranaryError } from '../../lib/errors.ts';
import { nearest } from '../../lib/nearest.ts';
import { INCIDENTS, type IncidentDoc, NOTIFICATIONS, type NotificationDoc } from '../../model/notifications.ts';
import type { Message } from '../../ports/notifier.ts';
import { putWrite, type StateStore } from '../../ports/state-store.ts';
import type { Project } from '../../project/project.ts';
import type { StageContext } from '../../stages/context.ts';
import { openChannels } from './channels.ts';
import { type Page, renderHtml } from './html.ts';
import { iso } from './outbox.ts';
import { renderText } from './text.ts';

export interface NotificationsReview {
  /** Open problems, the oldest first. */
  incidents: IncidentDoc[];
  /** Messages that wait and those that were given up, by channel. */
  channels: { name: string; type: string; waiting: number; failed: number; error: string | null }[];
}

export async function reviewNotifications({ state, project }: StageContext): Promise<NotificationsReview> {
  const incidents: IncidentDoc[] = [];
  for await (const doc of state.query(INCIDENTS, { index: 'open', equals: [1] })) incidents.push(doc);
  const channels = Object.entries(channelsOf(project)).map(([name, { type }]) => ({
    name,
    type,
    waiting: 0,
    failed: 0,
    error: null as string | null,
  }));
  for (const channel of channels)
    for (const status of ['pending', 'sending', 'failed'] as const)
      for await (const entry of state.query(NOTIFICATIONS, { index: 'channel', equals: [channel.name, status] })) {
        if (status === 'failed') channel.failed++;
        else channel.waiting++;
        channel.error = entry.error ?? channel.error;
      }
  return { incidents, channels };
}

/** Sends what was given up again. Returns how many messages; they go out within a minute while `granary up` runs. */
export async function resendFailed(state: StateStore, now: number): Promise<number> {
  const failed: (NotificationDoc & { rev: number })[] = [];
  for await (const entry of state.query(NOTIFICATIONS, { index: 'status', equals: ['failed'] })) failed.push(entry);
  for (const { rev, ...entry } of failed) {
    const again: NotificationDoc = { ...entry, status: 'pending', dueAt: iso(now), firstAttemptAt: null };
    await state.transact([putWrite(NOTIFICATIONS, again, { rev })]);
  }
  return failed.length;
}

/** Sends a message that says that it is a test. Errors: those of the channel; `stage.bad_input` when there is no such channel. */
export async function testChannel(name: string, { project, clock, signal }: StageContext): Promise<void> {
  const config = channelsOf(project)[name];
  if (!config) {
    const known = Object.keys(channelsOf(project));
    const near = nearest(name, known);
    throw new GranaryError('stage.bad_input', `There is no channel "${name}".`, {
      hint: near
        ? `Did you mean ${near}?`
        : known.length > 0
          ? `There are: ${known.join(', ')}.`
          : '`notifications` in granary.yaml declares channels.',
    });
  }
  const channels = await openChannels({ [name]: config }, { projectDir: project.dir, clock });
  const channel = channels.get(name)!;
  try {
    const { refused } = await channel.send(testMessage(name, project.config.name, clock.now()), {
      signal: signal ?? AbortSignal.timeout(60_000),
    });
    if (refused[0])
      throw new GranaryError(
        'notify.refused',
        `${refused.map((r) => r.recipient).join(', ')}: ${refused[0].error.message}`,
      );
  } finally {
    await channel.close();
  }
}

function testMessage(channel: string, project: string, now: number): Message {
  const summary = `This is a test of the channel ${channel}. Nothing is wrong.`;
  const page: Page = {
    project,
    tone: 'info',
    label: 'Test',
    title: `A test of ${channel}`,
    summary,
    facts: [{ name: 'Channel', value: channel }],
    tables: [],
    advice: [],
    command: null,
    link: null,
    footer: `Sent by \`granary notifications test\` for the project ${project}.`,
  };
  return {
    id: `test-${randomUUID()}`,
    severity: 'info',
    mood: 'report',
    title: `[${project}] A test of ${channel}`,
    text: renderText(page),
    html: renderHtml(page),
    summary,
    facts: page.facts,
    advice: [],
    command: null,
    link: null,
    thread: null,
    at: new Date(now).toISOString(),
    data: { kind: 'test', project, channel },
  };
}

export const channelsOf = (project: Project) =>
  (project.config.notifications as typeof project.config.notifications | undefined)?.channels ?? {};

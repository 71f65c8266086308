/**
 * A process that tells of problems by mail, to be killed. Arguments: one JSON object with the state file, the port of the mail server, how
 * many events there are, and by how many milliseconds its clock is ahead. Prints `done` when nothing is left to send.
 */
import { openSmtp } from '../../src/adapters/notifier/smtp.ts';
import { openStateStore } from '../../src/adapters/state-store/sqlite.ts';
import type { EventDoc } from '../../src/model/events.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { notificationsSpec, type SmtpConfig } from '../../src/project/specs/notifications.ts';
import { Notifier } from '../../src/runtime/notifications/notifier.ts';

const { stateFile, port, events, aheadMs } = JSON.parse(process.argv[2]!) as Record<string, string | number>;
const mail = { type: 'smtp', host: '127.0.0.1', port, tls: 'none', from: 'g@example.com', to: 'ops@example.com' };
const settings = notificationsSpec.parse(
  { channels: { ops: mail }, group_for: 0, remind_every: 0, storm: { messages: 100_000 } },
  [],
  { issues: [] },
)!;
const clock: Clock = {
  now: () => Date.now() + Number(aheadMs),
  sleep: (ms) => new Promise((r) => setTimeout(r, Math.min(ms, 50))),
};
const state = await openStateStore(String(stateFile));
const channel = await openSmtp(settings.channels.ops as unknown as SmtpConfig, '/');
const notifier = new Notifier({ state, clock, project: 'kill', settings, channels: new Map([['ops', channel]]) });
const stop = new AbortController();
const delivering = notifier.deliver(stop.signal);
for (let n = 0; n < Number(events); n++) {
  const event: EventDoc = {
    id: `event-${n}`,
    type: 'run.failed',
    subject: `pipeline_${n}`,
    tenant: 'main',
    at: '2026-11-25T05:00:00.000Z',
    data: { run: `run-${n}` },
  };
  await notifier.onEvent(event);
}
while ((await notifier.health()).pending > 0) await clock.sleep(20);
stop.abort();
await delivering;
await state.close();
process.stdout.write('done\n');

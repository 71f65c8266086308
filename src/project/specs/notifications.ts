/** `notifications` of granary.yaml: who is told what, where and when. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import { SEVERITIES } from '../../model/notifications.ts';
import { NAME } from './dataset.ts';

const TIME_OF_DAY = { regex: /^([01]\d|2[0-3]):[0-5]\d$/, meaning: 'a time of day such as 07:30' };

/** An address alone or with a name: `ops@example.com`, `Granary <granary@example.com>`. */
const ADDRESS = {
  regex: /^([^<>\r\n]*<[^\s@<>,;]+@[^\s@<>,;]+>|[^\s@<>,;]+@[^\s@<>,;]+)$/,
  meaning: 'a mail address such as ops@example.com',
};
const WEB_ADDRESS = { regex: /^https?:\/\/[^\s]+$/, meaning: 'an http or https URL' };

const timeout = s.duration({ doc: 'How long the server may be silent.', default: 30, example: '30 s' });

export const smtpSpec = s.object(
  {
    host: s.text({ doc: 'Host of the mail server.', example: 'smtp.example.com' }),
    port: s.integer({
      doc: 'Port of the server; when not given 587, or 465 with `implicit`, or 25 with `none`.',
      optional: true,
      min: 1,
      max: 65535,
      example: 2525,
    }),
    tls: s.choice(['starttls', 'implicit', 'none'], {
      doc: 'Encryption: `starttls` (asked for, and without it nothing is sent), `implicit` (TLS from the first byte) or `none`.',
      default: 'starttls',
    }),
    ca_file: s.text({
      doc: 'PEM file with the certificate authorities to trust instead of the usual ones, relative to the project.',
      optional: true,
    }),
    user: s.text({ doc: 'User name; without one nobody logs in.', example: 'granary', optional: true }),
    password: s.text({ doc: 'Password.', example: '${secret:SMTP_PASSWORD}', secret: true, optional: true }),
    from: s.text({ doc: 'Sender.', example: 'Granary <granary@example.com>', pattern: ADDRESS }),
    to: s.list(s.text({ doc: 'A recipient.', pattern: ADDRESS }), { doc: 'Recipients.', example: ['ops@example.com'] }),
    timeout,
  },
  { doc: 'Mail, by SMTP.' },
);
export type SmtpConfig = Infer<typeof smtpSpec>;

export const webhookSpec = s.object(
  {
    url: s.text({
      doc: 'Where messages are posted to. It usually holds a key, so it is a secret.',
      example: '${secret:OPS_WEBHOOK}',
      secret: true,
      pattern: WEB_ADDRESS,
    }),
    shape: s.choice(['slack', 'teams', 'generic'], {
      doc: '`slack`: an incoming webhook of Slack; `teams`: a workflow of Teams that posts a card; `generic`: JSON with all there is.',
      default: 'generic',
    }),
    key: s.text({
      doc: 'Signs what is posted: header `Granary-Signature`, `t=<seconds>,v1=<hex HMAC-SHA256 of "<seconds>.<body>">`.',
      example: '${secret:OPS_WEBHOOK_KEY}',
      secret: true,
      optional: true,
    }),
    timeout,
  },
  { doc: 'A request to a web server, such as that of a chat.' },
);
export type WebhookConfig = Infer<typeof webhookSpec>;

const channelNames = (doc: string, example: unknown) => s.list(s.text({ doc: 'Name of a channel.' }), { doc, example });

const routeSpec = s.object(
  {
    channels: channelNames('Where it goes.', ['ops']),
    severity: s.choice(SEVERITIES, {
      doc: 'The least severity; `warning` when not given, or `info` when `events` are.',
      optional: true,
      example: 'critical',
    }),
    events: s.list(s.text({ doc: 'A type of event; `*` stands for any letters.' }), {
      doc: 'Only these events and the ends of what they began; all if not given.',
      example: ['expectation.*', 'run.failed'],
      optional: true,
    }),
    tenants: s.list(s.text({ doc: 'A tenant.' }), {
      doc: 'Only what concerns these tenants.',
      example: ['main'],
      optional: true,
    }),
    datasets: s.list(s.text({ doc: 'A dataset as `tenant/source/dataset`; `*` stands for any letters.' }), {
      doc: 'Only what concerns these datasets.',
      example: ['main/shop/*'],
      optional: true,
    }),
    pipelines: s.list(s.text({ doc: 'A pipeline; `*` stands for any letters.' }), {
      doc: 'Only what concerns these pipelines; with `datasets`, what concerns either.',
      example: ['daily'],
      optional: true,
    }),
    stop: s.boolean({ doc: 'Routes below are not asked any more when this one matches.', default: false }),
  },
  { doc: 'A route: what goes to which channels.' },
);
export type RouteConfig = Infer<typeof routeSpec>;

const timeZone = s.text({
  doc: 'Time zone of the times; UTC when not given.',
  example: 'Europe/Berlin',
  default: 'UTC',
});
const timeOfDay = (doc: string, example: string) => s.text({ doc, example, pattern: TIME_OF_DAY });

export const notificationsSpec = s.object(
  {
    channels: s.map(
      s.variants(
        [
          { type: 'smtp', title: 'Mail', spec: smtpSpec },
          { type: 'webhook', title: 'Webhook', spec: webhookSpec },
        ],
        { doc: 'How people are reached.' },
      ),
      { doc: 'Channels, by name.', names: NAME },
    ),
    routes: s.list(routeSpec, {
      doc: 'What goes where: an event goes to the channels of every route that matches. Without routes warnings and worse go to all channels.',
      optional: true,
    }),
    group_for: s.duration({
      doc: 'How long events of one problem are gathered before the first message about it.',
      default: 120,
      example: '2 min',
    }),
    remind_every: s.duration({
      doc: 'How often a problem that is still open is told again; 0 for never.',
      default: 12 * 3600,
      example: '12 h',
    }),
    storm: s.object(
      {
        messages: s.integer({ doc: 'More messages than these …', default: 10, min: 1 }),
        within: s.duration({ doc: '… within this time become one that lists the problems.', default: 600 }),
      },
      { doc: 'When many problems are told of in one message, by channel.', default: { messages: 10, within: 600 } },
    ),
    quiet_hours: s.object(
      {
        from: timeOfDay('When they begin.', '22:00'),
        to: timeOfDay('When they end.', '06:30'),
        time_zone: timeZone,
      },
      { doc: 'When only critical problems are told of; the rest waits for the end, in one message.', optional: true },
    ),
    digest: s.object(
      {
        at: timeOfDay('When it is sent, daily.', '08:00'),
        time_zone: timeZone,
        channels: channelNames('Where it goes.', ['ops']),
      },
      { doc: 'A daily summary of runs, rows, rejects, dead letters and problems.', optional: true },
    ),
    link: s.text({
      doc: 'Base of links in messages: the address under which people reach Granary.',
      example: 'https://granary.example.com',
      pattern: WEB_ADDRESS,
      optional: true,
    }),
    give_up_after: s.duration({
      doc: 'How long a message that cannot be delivered is tried before it counts as failed.',
      default: 3 * 86_400,
      example: '3 d',
    }),
  },
  { doc: 'Who is told of problems, and how.', optional: true },
);
export type NotificationsConfig = NonNullable<Infer<typeof notificationsSpec>>;
export type QuietHours = NonNullable<NotificationsConfig['quiet_hours']>;

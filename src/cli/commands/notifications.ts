/** `granary notifications`: what is open, and whether messages get through. */
import { formatCount, plural } from '../../lib/units.ts';
import { reviewNotifications } from '../../runtime/notifications/review.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { withState } from '../open.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const { style } = terminal;
  const { incidents, channels } = await withState(call, reviewNotifications);
  terminal.document({ incidents, channels });
  if (channels.length === 0) {
    terminal.line('The project tells nobody: `notifications` in granary.yaml says who is told of what.');
    return EXIT.ok;
  }
  terminal.line(
    style.bold(incidents.length === 0 ? 'No problem is open' : `${plural(incidents.length, 'problem')} open`),
  );
  if (incidents.length > 0) {
    terminal.line();
    terminal.table(
      [
        { title: 'since, UTC' },
        { title: 'severity' },
        { title: 'kind' },
        { title: 'about', flexible: true },
        { title: 'events', align: 'right' },
        { title: 'told' },
      ],
      incidents.map(({ since, severity, kind, subject, count, told }) => [
        since.slice(0, 16).replace('T', ' '),
        {
          text: severity,
          paint: severity === 'critical' ? style.red : severity === 'warning' ? style.yellow : style.dim,
        },
        kind.replace('_', ' '),
        subject,
        formatCount(count),
        Object.keys(told).join(', ') || 'nobody yet',
      ]),
    );
  }
  terminal.line();
  terminal.table(
    [
      { title: 'channel' },
      { title: 'type' },
      { title: 'waiting', align: 'right' },
      { title: 'given up', align: 'right' },
      { title: 'last error', flexible: true },
    ],
    channels.map(({ name, type, waiting, failed, error }) => [
      name,
      type,
      formatCount(waiting),
      { text: formatCount(failed), paint: failed > 0 ? style.red : style.dim },
      error ?? '',
    ]),
  );
  if (channels.some((c) => c.failed > 0)) {
    terminal.line();
    terminal.line(`${style.dim('send them again')} granary notifications resend`);
  }
  return EXIT.ok;
}

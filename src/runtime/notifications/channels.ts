/** Opens the channels of a project. Nothing is connected before the first message. */
import { openSmtp } from '../../adapters/notifier/smtp.ts';
import { openWebhook } from '../../adapters/notifier/webhook.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NotifierChannel } from '../../ports/notifier.ts';
import type { NotificationsConfig, SmtpConfig, WebhookConfig } from '../../project/specs/notifications.ts';

/** By name. Errors: `notify.tls` when a file of certificate authorities cannot be read. */
export async function openChannels(
  channels: NotificationsConfig['channels'],
  { projectDir, clock }: { projectDir: string; clock: Clock },
): Promise<Map<string, NotifierChannel>> {
  const opened = new Map<string, NotifierChannel>();
  for (const [name, config] of Object.entries(channels))
    opened.set(
      name,
      config.type === 'smtp'
        ? await openSmtp(config as unknown as SmtpConfig, projectDir)
        : openWebhook(config as unknown as WebhookConfig, clock),
    );
  return opened;
}

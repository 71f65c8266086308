/**
 * Notifier: takes a message to people, by mail or to a chat. One is opened per channel of `notifications`.
 *
 * `send` returns when the receiving server has taken the message, or throws:
 * - transient: `notify.unreachable` (no connection, a broken one, silence), `notify.unavailable` (the server asks for a later try;
 *   `details.retry_after_s` when it says when)
 * - terminal: `notify.refused`, `notify.auth_failed`
 * - either: `notify.tls`, terminal when it is certain that the certificate is at fault
 *
 * After a transient error it is not known whether the message arrived. The same `id` always goes out under the same mark (the Message-ID
 * of a mail, the idempotency key of a request), so a receiver can tell a repetition from a second message.
 */
import type { GranaryError } from '../lib/errors.ts';
import type { Severity } from '../model/notifications.ts';

export interface Message {
  /** Letters, digits and `-`: stable for one notification, whenever and however often it is sent. */
  id: string;
  severity: Severity;
  /** `resolved` and `digest` look different from problems. */
  mood: 'problem' | 'resolved' | 'report';
  /** One line. */
  title: string;
  text: string;
  html: string;
  /** A short paragraph, for chats. */
  summary: string;
  facts: { name: string; value: string }[];
  /** What to do next, in sentences. */
  advice: string[];
  /** A command to type. */
  command: string | null;
  link: string | null;
  /** Messages of one problem share it: mail programs show them as one conversation. */
  thread: string | null;
  /** ISO 8601, UTC. */
  at: string;
  /** For machines: what a generic webhook is sent beside the texts. JSON. */
  data: Record<string, unknown>;
}

export interface Delivery {
  /** Recipients that the server did not take the message for while it took it for others; each with the reason. */
  refused: { recipient: string; error: GranaryError }[];
}

export interface NotifierChannel {
  /** `recipients`: only to these of the channel's, after they alone were refused. All if not given. */
  send(message: Message, options: { signal: AbortSignal; recipients?: readonly string[] }): Promise<Delivery>;
  close(): Promise<void>;
}

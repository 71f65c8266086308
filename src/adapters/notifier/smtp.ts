/** Mail by SMTP. A connection a message: messages are few, and a kept connection is one more thing that can be stale. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { asGranaryError, type ErrorCode, GranaryError } from '../../lib/errors.ts';
import { redact } from '../../lib/redact.ts';
import type { Delivery, Message, NotifierChannel } from '../../ports/notifier.ts';
import type { SmtpConfig } from '../../project/specs/notifications.ts';

/** What nodemailer puts on its errors. */
interface MailError extends Error {
  code?: string;
  /** Of the server's answer. */
  responseCode?: number;
  recipient?: string;
  /** The code of Node or OpenSSL behind `code`. */
  originalCode?: string;
}

export function smtpPort({ port, tls }: Pick<SmtpConfig, 'port' | 'tls'>): number {
  return port ?? { starttls: 587, implicit: 465, none: 25 }[tls];
}

/** Errors: those of the port; `notify.tls` when the file of authorities cannot be read. */
export async function openSmtp(config: SmtpConfig, projectDir: string): Promise<NotifierChannel> {
  const { createTransport } = await import('nodemailer');
  const ca = await authorities(config, projectDir);
  const server = `${config.host}:${smtpPort(config)}`;
  const timeoutMs = Math.round(config.timeout * 1000);
  const transport = createTransport({
    host: config.host,
    port: smtpPort(config),
    secure: config.tls === 'implicit',
    requireTLS: config.tls === 'starttls',
    ignoreTLS: config.tls === 'none',
    ...(ca && { tls: { ca } }),
    ...(config.user !== undefined && { auth: { user: config.user, pass: config.password ?? '' } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send(message, { signal, recipients }): Promise<Delivery> {
      if (signal.aborted) throw new GranaryError('cancelled', 'stopped before the mail was sent', { transient: true });
      try {
        const info = await transport.sendMail({ ...mailOf(message, config, recipients ?? config.to), signal });
        const refused = (info.rejectedErrors ?? []) as MailError[];
        return { refused: refused.map((e) => ({ recipient: e.recipient ?? '', error: faultOf(e, server) })) };
      } catch (e) {
        throw faultOf(e as MailError, server);
      }
    },
    async close() {
      transport.close();
    },
  };
}

async function authorities(config: SmtpConfig, projectDir: string): Promise<Buffer | undefined> {
  if (config.ca_file === undefined) return undefined;
  const path = resolve(projectDir, config.ca_file);
  return readFile(path).catch((e) => {
    throw new GranaryError('notify.tls', `"ca_file" of a mail channel: ${path} cannot be read`, { cause: e });
  });
}

function mailOf(message: Message, { from }: SmtpConfig, to: readonly string[]) {
  const domain = /@([^\s>]+)>?$/.exec(from)?.[1] ?? 'granary.invalid';
  const urgent = message.severity === 'critical' && message.mood === 'problem';
  return {
    messageId: `<${message.id}@${domain}>`,
    from,
    to: [...to],
    subject: message.title,
    text: message.text,
    html: message.html,
    date: new Date(message.at),
    ...(message.thread !== null && { references: `<${message.thread}@${domain}>` }),
    priority: urgent ? ('high' as const) : ('normal' as const),
    headers: {
      // Keeps out-of-office answers away.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'X-Granary-Id': message.id,
      'X-Granary-Severity': message.severity,
    },
  };
}

/** Codes of nodemailer for faults of the connection, before or without an answer of the server. */
const CONNECTION = new Set(['ECONNECTION', 'ETIMEDOUT', 'ESOCKET', 'EDNS', 'EPROTOCOL', 'EABORT', 'ESTREAM']);

/** By the server's answer where there is one: 4xx may pass, 5xx will not. */
function faultOf(e: MailError, server: string): GranaryError {
  if (e instanceof GranaryError) return e;
  const { responseCode, code = '' } = e;
  const fault = (as: ErrorCode, transient: boolean, hint?: string) =>
    new GranaryError(as, redact(`the mail server ${server}: ${e.message}`), {
      transient,
      cause: e,
      ...(hint !== undefined && { hint }),
      ...(responseCode !== undefined && { details: { status: responseCode } }),
    });
  if (responseCode !== undefined && responseCode >= 400 && responseCode < 500) return fault('notify.unavailable', true);
  if (code === 'EAUTH' || code === 'ENOAUTH')
    return fault('notify.auth_failed', false, 'Check "user" and "password" of the channel.');
  if (responseCode !== undefined && responseCode >= 500) return fault('notify.refused', false);
  // During the handshake nodemailer does not say whether the certificate or the connection is at fault.
  if (code === 'ETLS' || isCertificateFault(e))
    return fault('notify.tls', !isCertificateFault(e), 'Check "tls" and "ca_file" of the channel.');
  if (CONNECTION.has(code)) return fault('notify.unreachable', true);
  if (code === 'EENVELOPE' || code === 'EMESSAGE') return fault('notify.refused', false);
  return asGranaryError(e);
}

/** OpenSSL's and Node's own codes for certificates that are not trusted, and for a server that does not speak TLS. */
const isCertificateFault = ({ originalCode = '' }: MailError) =>
  /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_)/.test(originalCode);

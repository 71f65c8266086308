/** A message as a request to a web server. */
import { createHmac } from 'node:crypto';
import { GranaryError } from '../../lib/errors.ts';
import { redact } from '../../lib/redact.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Delivery, Message, NotifierChannel } from '../../ports/notifier.ts';
import type { WebhookConfig } from '../../project/specs/notifications.ts';
import { bodyOf } from './webhook-shapes.ts';

const MAX_ANSWER_BYTES = 2000;

/**
 * Headers: `Idempotency-Key` is the message's id; `Granary-Signature` where a key is set. Redirects are not followed: what is posted
 * would go to somebody else.
 */
export function openWebhook(config: WebhookConfig, clock: Clock): NotifierChannel {
  // The rest of the URL is often a key.
  const server = URL.parse(config.url)?.origin ?? 'the webhook';
  return {
    async send(message, { signal }): Promise<Delivery> {
      const body = JSON.stringify(bodyOf(config.shape, message));
      const response = await post(config, server, body, headersOf(message, body, config.key, clock), signal);
      const answer = await beginningOf(response);
      if (response.status < 200 || response.status > 299) throw statusFault(response, answer, server, clock);
      return { refused: [] };
    },
    async close() {},
  };
}

/** `t=<seconds>,v1=<hex>`: HMAC-SHA256 of `<seconds>.<body>`. The time is in it, so that an old request cannot be sent again by another. */
export function signature(body: string, key: string, seconds: number): string {
  return `t=${seconds},v1=${createHmac('sha256', key).update(`${seconds}.${body}`).digest('hex')}`;
}

function headersOf(message: Message, body: string, key: string | undefined, clock: Clock): Record<string, string> {
  return {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'granary',
    'idempotency-key': message.id,
    ...(key !== undefined && { 'granary-signature': signature(body, key, Math.floor(clock.now() / 1000)) }),
  };
}

async function post(
  config: WebhookConfig,
  server: string,
  body: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  const limit = AbortSignal.timeout(Math.round(config.timeout * 1000));
  try {
    return await fetch(config.url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, limit]),
    });
  } catch (e) {
    if (signal.aborted)
      throw new GranaryError('cancelled', 'stopped while the message was sent', { transient: true, cause: e });
    const cause = (e as { cause?: { code?: string; message?: string } }).cause;
    const reason = limit.aborted ? `silent for ${config.timeout} s` : (cause?.message ?? (e as Error).message);
    const untrusted = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(cause?.code ?? '');
    throw new GranaryError(untrusted ? 'notify.tls' : 'notify.unreachable', redact(`${server}: ${reason}`), {
      transient: !untrusted,
      cause: e,
    });
  }
}

/** The first of what was answered, for messages; the rest is not read. */
async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return '';
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    while (bytes < MAX_ANSWER_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      bytes += value.length;
    }
    await reader.cancel();
  } catch {
    // The status says what became of the message.
  }
  return Buffer.concat(parts).toString('utf8').replaceAll(/\s+/g, ' ').trim().slice(0, 200);
}

function statusFault({ status, headers }: Response, answer: string, server: string, clock: Clock): GranaryError {
  const message = redact(`${server}: status ${status}${answer ? `: ${answer}` : ''}`);
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const seconds = retryAfter(headers.get('retry-after'), clock);
    return new GranaryError('notify.unavailable', message, {
      transient: true,
      details: { status, ...(seconds !== undefined && { retry_after_s: seconds }) },
    });
  }
  const denied = status === 401 || status === 403;
  return new GranaryError(denied ? 'notify.auth_failed' : 'notify.refused', message, {
    details: { status },
    hint:
      status >= 300 && status < 400
        ? 'The address has moved: redirects are not followed.'
        : 'Check "url" of the channel.',
  });
}

/** Seconds, from seconds or an HTTP date. */
function retryAfter(value: string | null, clock: Clock): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.round((at - clock.now()) / 1000));
}

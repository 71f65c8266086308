/** Notifications: routes name channels, events, tenants, datasets and time zones that exist. */
import { nearest } from '../../lib/nearest.ts';
import type { Path } from '../../lib/spec/common.ts';
import { EVENT_SEVERITY } from '../../model/notifications.ts';
import type { Report } from '../report.ts';
import type { NotificationsConfig } from '../specs/notifications.ts';

export interface Known {
  /** As declared in granary.yaml; undefined when none are. */
  tenants: Record<string, unknown> | undefined;
  /** Keys: `tenant/source/dataset`. */
  datasets: readonly string[];
}

/** `*` stands for any letters, `/` among them. */
export function patternMatches(pattern: string, text: string): boolean {
  const source = pattern.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${source.join('.*')}$`).test(text);
}

/** `config` as parsed; parts that have issues of their own may be undefined. `report` starts at `notifications`. */
export function checkNotifications(config: NotificationsConfig, known: Known, report: Report): void {
  const channels = Object.keys(config.channels ?? {});
  const checkChannels = (names: readonly string[] | undefined, path: Path) => {
    for (const [i, name] of (names ?? []).entries())
      if (name !== undefined && !channels.includes(name))
        report.error([...path, i], {
          message: `there is no channel "${name}"${channels.length > 0 ? `; declared: ${channels.join(', ')}` : ''}`,
          suggestion: nearest(name, channels),
        });
  };
  for (const [i, route] of (config.routes ?? []).entries()) {
    if (!route) continue;
    checkChannels(route.channels, ['routes', i, 'channels']);
    checkPatterns(route.events, Object.keys(EVENT_SEVERITY), 'event', report.at('routes', i, 'events'));
    checkPatterns(route.datasets, known.datasets, 'dataset', report.at('routes', i, 'datasets'));
    const tenants = [...new Set(['main', ...Object.keys(known.tenants ?? {}), ...known.datasets.map(tenantOf)])];
    checkPatterns(route.tenants, tenants, 'tenant', report.at('routes', i, 'tenants'));
  }
  checkChannels(config.digest?.channels, ['digest', 'channels']);
  for (const part of ['quiet_hours', 'digest'] as const) checkZone(config[part]?.time_zone, report.at(part));
  const quiet = config.quiet_hours;
  if (quiet?.from !== undefined && quiet.from === quiet.to)
    report.error(['quiet_hours', 'to'], 'quiet hours that end when they begin: all day or never?');
  for (const [name, channel] of Object.entries(config.channels ?? {})) {
    if (channel.type !== 'smtp') continue;
    const at = report.at('channels', name);
    if (channel.password !== undefined && channel.user === undefined)
      at.error(['password'], 'a password without a "user"');
    if (channel.tls === 'none' && channel.password !== undefined && !isLoopback(String(channel.host)))
      at.warn(['tls'], { message: 'the password goes over the network in clear', hint: 'Use starttls or implicit' });
  }
}

const tenantOf = (dataset: string) => dataset.split('/')[0]!;
const isLoopback = (host: string) => /^(localhost|127\.[\d.]+|::1)$/.test(host);

function checkPatterns(
  patterns: readonly string[] | undefined,
  known: readonly string[],
  noun: string,
  report: Report,
): void {
  for (const [i, pattern] of (patterns ?? []).entries())
    if (pattern !== undefined && !known.some((k) => patternMatches(pattern, k)))
      report.error([i], { message: `no ${noun} is called "${pattern}"`, suggestion: nearest(pattern, known) });
}

function checkZone(zone: string | undefined, report: Report): void {
  if (zone === undefined) return;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch {
    report.error(['time_zone'], {
      message: `there is no time zone "${zone}"`,
      suggestion: nearest(zone, ['UTC', ...Intl.supportedValuesOf('timeZone')]),
    });
  }
}

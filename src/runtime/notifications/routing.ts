/** Which channels an event goes to. Pure. */
import type { EventDoc } from '../../model/events.ts';
import { atLeast, type Severity } from '../../model/notifications.ts';
import { patternMatches } from '../../project/lint/notifications.ts';
import type { NotificationsConfig, RouteConfig } from '../../project/specs/notifications.ts';

type Routed = Pick<EventDoc, 'type' | 'subject' | 'tenant' | 'data'>;

/** Names of channels, each once, in the order of the routes. */
export function channelsFor(event: Routed, severity: Severity, config: NotificationsConfig): string[] {
  if (config.routes === undefined) return atLeast(severity, 'warning') ? Object.keys(config.channels) : [];
  const out = new Set<string>();
  for (const route of config.routes) {
    if (!matches(route, event, severity)) continue;
    for (const channel of route.channels) out.add(channel);
    if (route.stop) break;
  }
  return [...out];
}

function matches(route: RouteConfig, event: Routed, severity: Severity): boolean {
  const least = route.severity ?? (route.events === undefined ? 'warning' : 'info');
  if (!atLeast(severity, least)) return false;
  if (route.events && !matchesAny(route.events, event.type)) return false;
  if (route.tenants && !matchesAny(route.tenants, event.tenant)) return false;
  if (!route.datasets && !route.pipelines) return true;
  const { dataset, pipeline } = subjectsOf(event);
  return (
    (dataset !== undefined && matchesAny(route.datasets ?? [], dataset)) ||
    (pipeline !== undefined && matchesAny(route.pipelines ?? [], pipeline))
  );
}

const matchesAny = (patterns: readonly string[], text: string) => patterns.some((p) => patternMatches(p, text));

/** A key of a dataset has two slashes, a pipeline none. What an event says itself goes first. */
function subjectsOf({ subject, type, data }: Routed): { dataset?: string; pipeline?: string } {
  const isDataset = subject.split('/').length === 3;
  const dataset = isDataset ? subject : undefined;
  const pipeline = /^(run|trigger)\./.test(type)
    ? subject
    : typeof data.pipeline === 'string'
      ? data.pipeline
      : undefined;
  return { ...(dataset !== undefined && { dataset }), ...(pipeline !== undefined && { pipeline }) };
}

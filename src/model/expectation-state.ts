/** How an expected delivery stands, and what is wrong with what came, in sentences. Pure. */
import { formatBytes, formatCount, plural } from '../lib/units.ts';
import { WEEKDAYS, weekdayOf } from './calendar.ts';
import type { Arrival } from './expectation-slots.ts';
import type { ExpectationFinding, ExpectationRule, ExpectationState, Slot } from './expectations.ts';
import type { ObjectStatus } from './objects.ts';
import { isUnusual, type Sample, type Usual, usualAmount } from './volume.ts';

/** A landed object of a delivery. */
export interface Landed extends Arrival {
  id: string;
  file: string;
  version: number;
  bytes: number;
  status: ObjectStatus;
  /** Rows received; null as long as nobody has counted them. */
  rows: number | null;
}

/** What has come of a delivery: the newest version of each file. */
export interface Delivery {
  files: number;
  bytes: number;
  /** Null until all of it is counted. */
  rows: number | null;
  /** When the last file that was needed came first; undefined while one lacks. Milliseconds. */
  completeAt: number | undefined;
  quarantined: string[];
  duplicates: string[];
}

export function deliveryOf(rule: ExpectationRule, objects: readonly Landed[]): Delivery {
  const byPath = [...Map.groupBy(objects, (o) => o.path).values()];
  const newest = byPath.map((versions) => versions.reduce((a, b) => (b.version > a.version ? b : a)));
  const arrivals = byPath.map((versions) => Math.min(...versions.map((v) => Date.parse(v.landedAt))));
  const counted = newest.filter((o) => o.status !== 'quarantined' && o.status !== 'duplicate');
  return {
    files: newest.length,
    bytes: newest.reduce((sum, o) => sum + o.bytes, 0),
    rows: counted.some((o) => o.rows === null) ? null : counted.reduce((sum, o) => sum + o.rows!, 0),
    completeAt: arrivals.sort((a, b) => a - b)[rule.files - 1],
    quarantined: newest.filter((o) => o.status === 'quarantined').map((o) => o.file),
    duplicates: newest.filter((o) => o.status === 'duplicate').map((o) => o.file),
  };
}

/** `forgiven`: by a person; days that the rule forgives are so in any case. */
export function stateOf(
  rule: ExpectationRule,
  slot: Slot,
  delivery: Pick<Delivery, 'completeAt'>,
  now: number,
  forgiven = false,
): ExpectationState {
  if (delivery.completeAt !== undefined && delivery.completeAt <= now) return 'arrived';
  if (forgiven || rule.forgive.includes(slot.date)) return 'forgiven';
  if (now < slot.lateAt) return 'due';
  return now < slot.missedAt ? 'late' : 'missed';
}

/** Milliseconds after the tolerance; 0 when it was in time or is not there. */
export function lateBy(slot: Slot, { completeAt }: Pick<Delivery, 'completeAt'>): number {
  return completeAt === undefined ? 0 : Math.max(0, completeAt - slot.lateAt);
}

/** Amounts of a season: the weekday, and the time of day when there are several a day. */
export function seasonOf(rule: ExpectationRule, slot: Slot): string {
  const several = 'every' in rule.when || rule.when.times.length > 1;
  const weekday = rule.volume?.seasonal === 'none' ? '' : String(weekdayOf(slot.date));
  return `${weekday}${several ? ` ${slot.time}` : ''}`;
}

/** What was delivered before, for comparison. Only what came whole, and whose files are good. */
export function sampleOf(
  rule: ExpectationRule,
  slot: Slot,
  delivery: Delivery,
): (Sample & { files: number }) | undefined {
  const value = rule.volume?.metric === 'bytes' ? delivery.bytes : delivery.rows;
  const good = delivery.quarantined.length === 0 && delivery.duplicates.length === 0;
  if (value === null || delivery.completeAt === undefined || !good) return undefined;
  return { season: seasonOf(rule, slot), value, files: delivery.files };
}

/** Undefined without a rule for volumes or with too little history. */
export function usualOf(rule: ExpectationRule, slot: Slot, history: readonly Sample[]): Usual | undefined {
  return rule.volume && usualAmount(history, seasonOf(rule, slot), rule.volume.threshold);
}

/**
 * Files that usually make a delivery: while fewer are there, that there is little of it says nothing yet.
 */
export function usualFiles(rule: ExpectationRule, history: readonly { files: number }[]): number {
  const counts = history.map((h) => h.files).sort((a, b) => a - b);
  return Math.max(rule.files, counts[counts.length >> 1] ?? 0);
}

export interface Judgement {
  findings: ExpectationFinding[];
  /** Nothing that may still come changes it, but for new versions of files. */
  final: boolean;
}

/** What is wrong with a delivery that has come. `whole`: no more files are to be expected, so too little of it is too little. */
export function judge(
  rule: ExpectationRule,
  slot: Slot,
  delivery: Delivery,
  usual: Usual | undefined,
  whole: boolean,
): Judgement {
  const { bytes, rows, quarantined, duplicates } = delivery;
  const findings: ExpectationFinding[] = [];
  const find = (code: ExpectationFinding['code'], message: string) => findings.push({ code, message });
  if (quarantined.length > 0) find('quarantined', `${named(quarantined)} in quarantine`);
  if (duplicates.length > 0) find('duplicate', `${named(duplicates)} with the bytes of an earlier file`);
  const checks = [
    { metric: 'bytes', value: bytes, min: rule.minBytes, max: rule.maxBytes } as const,
    // Rows that nobody could count are no few rows.
    {
      metric: 'rows',
      value: quarantined.length > 0 || duplicates.length > 0 ? null : rows,
      min: rule.minRows,
      max: rule.maxRows,
    } as const,
  ];
  for (const { metric, value, min, max } of checks) {
    if (value === null) continue;
    const is = amount(value, metric);
    if (whole && min !== undefined && value < min)
      find(`${metric}_low`, `${is}; at least ${amount(min, metric)} expected`);
    else if (max !== undefined && value > max) find(`${metric}_high`, `${is}; at most ${amount(max, metric)} expected`);
    else if (usual && rule.volume?.metric === metric) {
      const unusual = isUnusual(value, usual);
      if (unusual === 'high' || (unusual === 'low' && whole))
        find(`${metric}_unusual`, `${is}; ${usualText(rule, slot, usual)}`);
    }
  }
  const waitsForRows =
    rows === null && (rule.minRows ?? rule.maxRows ?? (rule.volume?.metric === 'rows' || undefined)) !== undefined;
  return { findings, final: whole && !(waitsForRows && quarantined.length === 0) };
}

const amount = (value: number, metric: 'rows' | 'bytes') =>
  metric === 'bytes' ? formatBytes(value) : `${formatCount(value)} ${value === 1 ? 'row' : 'rows'}`;

const named = (files: readonly string[]) =>
  files.length === 1 ? `${files[0]} is` : `${plural(files.length, 'file')} are`;

/** `usual on a Wednesday: 1,180–1,420` */
export function usualText(rule: ExpectationRule, slot: Slot, usual: Usual): string {
  const several = 'every' in rule.when || rule.when.times.length > 1;
  const day = WEEKDAYS[weekdayOf(slot.date)]!;
  const onDay = rule.volume?.seasonal === 'weekday' ? ` on a ${day.charAt(0).toUpperCase()}${day.slice(1)}` : '';
  const when = usual.basis === 'all' ? '' : `${onDay}${several ? ` at ${slot.time}` : ''}`;
  return `usual${when}: ${usualRange(rule, usual)}`;
}

/** `1,180–1,420`, or `41.2 kB–52.0 kB` */
export function usualRange(rule: ExpectationRule, { low, high }: Usual): string {
  const text = rule.volume?.metric === 'bytes' ? formatBytes : formatCount;
  return low === high ? text(low) : `${text(low)}–${text(high)}`;
}

/** Dates and times as they are stored: `sql/compat56.cc` of the server. They are written as the server prints them, in UTC. */
import type { LineBuffer } from '../../lib/sql/line-buffer.ts';

export const fractionBytes = (digits: number): number => (digits + 1) >> 1;

function writeDate(out: LineBuffer, year: number, month: number, day: number): void {
  out.padded(year, 4);
  out.byte(45);
  out.pair(month);
  out.byte(45);
  out.pair(day);
}

function writeClock(out: LineBuffer, hour: number, minute: number, second: number): void {
  out.pair(hour);
  out.byte(58);
  out.pair(minute);
  out.byte(58);
  out.pair(second);
}

/** `value` has two digits for each byte. */
function writeFraction(out: LineBuffer, value: number, digits: number): void {
  if (digits === 0) return;
  out.byte(46);
  out.padded((digits & 1) === 0 ? value : (value / 10) | 0, digits);
}

export function writeDay(out: LineBuffer, from: Buffer, start: number): void {
  const v = from[start]! | (from[start + 1]! << 8) | (from[start + 2]! << 16);
  writeDate(out, v >> 9, (v >> 5) & 15, v & 31);
}

/** Whether a month or a day is 0: no day of the calendar. */
export function isZeroDay(from: Buffer, start: number): boolean {
  const v = from[start]! | (from[start + 1]! << 8);
  return (v & 31) === 0 || ((v >> 5) & 15) === 0;
}

/** Years and months in 17 bits, less 2^39. */
const dateOf = (from: Buffer, start: number): number =>
  (((from[start]! & 0x7f) << 16) | (from[start + 1]! << 8) | from[start + 2]!) >>> 6;

export function writeDatetime(out: LineBuffer, from: Buffer, start: number, digits: number): void {
  const months = dateOf(from, start);
  const year = (months / 13) | 0;
  const low = (from[start + 2]! << 16) | (from[start + 3]! << 8) | from[start + 4]!;
  writeDate(out, year, months - year * 13, (low >> 17) & 31);
  out.byte(32);
  writeClock(out, (low >> 12) & 31, (low >> 6) & 63, low & 63);
  writeFraction(out, digits === 0 ? 0 : from.readUIntBE(start + 5, fractionBytes(digits)), digits);
}

export function isZeroDatetime(from: Buffer, start: number): boolean {
  return dateOf(from, start) % 13 === 0 || ((from[start + 2]! >> 1) & 31) === 0;
}

export function writeTimestamp(out: LineBuffer, from: Buffer, start: number, digits: number): void {
  const seconds = from.readUInt32BE(start);
  const fraction = digits === 0 ? 0 : from.readUIntBE(start + 4, fractionBytes(digits));
  writeInstant(out, seconds, seconds === 0 && fraction === 0);
  writeFraction(out, fraction, digits);
}

export const isZeroTimestamp = (from: Buffer, start: number, length: number): boolean => {
  for (let i = start; i < start + length; i++) if (from[i] !== 0) return false;
  return true;
};

/** Seconds since 1970. Civil date from days: http://howardhinnant.github.io/date_algorithms.html#civil_from_days */
export function writeInstant(out: LineBuffer, seconds: number, isZero: boolean): void {
  if (isZero) {
    out.ascii('0000-00-00 00:00:00');
    return;
  }
  const days = Math.floor(seconds / 86_400);
  const rest = seconds - days * 86_400;
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const doe = z - era * 146_097;
  const yoe = ((doe - ((doe / 1460) | 0) + ((doe / 36_524) | 0) - ((doe / 146_096) | 0)) / 365) | 0;
  const doy = doe - (365 * yoe + (yoe >> 2) - ((yoe / 100) | 0));
  const mp = ((5 * doy + 2) / 153) | 0;
  const month = mp < 10 ? mp + 3 : mp - 9;
  writeDate(out, yoe + era * 400 + (month <= 2 ? 1 : 0), month, doy - (((153 * mp + 2) / 5) | 0) + 1);
  out.byte(32);
  const hour = (rest / 3600) | 0;
  writeClock(out, hour, ((rest - hour * 3600) / 60) | 0, rest % 60);
}

export function writeTime(out: LineBuffer, from: Buffer, start: number, digits: number): void {
  const bytes = fractionBytes(digits);
  const limit = 2 ** (8 * bytes);
  let v = from.readUIntBE(start, 3 + bytes) - 2 ** (23 + 8 * bytes);
  if (v < 0) {
    out.byte(45);
    v = -v;
  }
  const clock = Math.floor(v / limit);
  const hour = (clock >> 12) & 1023;
  if (hour < 100) out.pair(hour);
  else out.integer(hour);
  out.byte(58);
  out.pair((clock >> 6) & 63);
  out.byte(58);
  out.pair(clock & 63);
  writeFraction(out, v - clock * limit, digits);
}

/** The forms of servers before 5.6, which tables that were never made anew still have. */
export function writeOldDatetime(out: LineBuffer, from: Buffer, start: number): void {
  const v = Number(from.readBigUInt64LE(start));
  const day = Math.floor(v / 1e6);
  const clock = v - day * 1e6;
  writeDate(out, Math.floor(day / 10_000), Math.floor(day / 100) % 100, day % 100);
  out.byte(32);
  writeClock(out, Math.floor(clock / 10_000), Math.floor(clock / 100) % 100, clock % 100);
}

export function writeOldTime(out: LineBuffer, from: Buffer, start: number): void {
  let v = from.readIntLE(start, 3);
  if (v < 0) {
    out.byte(45);
    v = -v;
  }
  const hour = Math.floor(v / 10_000);
  if (hour < 100) out.pair(hour);
  else out.integer(hour);
  out.byte(58);
  out.pair(Math.floor(v / 100) % 100);
  out.byte(58);
  out.pair(v % 100);
}

/** `2026-03-01 12:00:00` */
export const instantText = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');

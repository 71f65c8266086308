/** Times as databases write them, as whole microseconds since 1970 in UTC (or of a wall clock). */

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?)?\s*(?:(Z)|([+-])(\d\d)(?::?(\d\d))?(?::?(\d\d))?)?$/;

/** Undefined for what is no time of our calendar: `infinity`, `0000-00-00`, times before Christ. */
export function parseTime(text: string): bigint | undefined {
  const m = TIME.exec(text);
  if (!m) return undefined;
  const n = (i: number) => Number(m[i] ?? 0);
  const milliseconds = Date.UTC(n(1), n(2) - 1, n(3), n(4), n(5), n(6));
  if (n(1) < 100 || n(2) < 1 || n(2) > 12 || n(3) < 1 || new Date(milliseconds).getUTCDate() !== n(3)) return undefined;
  const offset = (m[9] === '-' ? -1 : 1) * (n(10) * 3600 + n(11) * 60 + n(12));
  const micros = BigInt((m[7] ?? '').padEnd(6, '0').slice(0, 6));
  return BigInt(milliseconds) * 1000n + micros - BigInt(offset) * 1_000_000n;
}

/** `2026-03-01 12:00:00.000000` */
export function formatTime(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const iso = new Date(Number((micros - fraction) / 1000n)).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}.${String(fraction).padStart(6, '0')}`;
}

export const formatDate = (micros: bigint): string => formatTime(micros).slice(0, 10);

export const fromSeconds = (seconds: number): bigint => BigInt(Math.round(seconds * 1e6));

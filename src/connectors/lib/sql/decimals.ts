/** Exact numbers as text. */

interface Scaled {
  digits: bigint;
  scale: number;
}

/** Undefined for what is no plain decimal number. */
function parse(text: string): Scaled | undefined {
  const m = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(text);
  if (!m) return undefined;
  const fraction = m[3] ?? '';
  const digits = BigInt(m[2]! + fraction);
  return { digits: m[1] === '-' ? -digits : digits, scale: fraction.length };
}

function format({ digits, scale }: Scaled): string {
  const negative = digits < 0n;
  const all = String(negative ? -digits : digits).padStart(scale + 1, '0');
  const text = scale === 0 ? all : `${all.slice(0, -scale)}.${all.slice(-scale)}`;
  return negative ? `-${text}` : text;
}

function aligned(a: string, b: string): [bigint, bigint, number] | undefined {
  const [x, y] = [parse(a), parse(b)];
  if (!x || !y) return undefined;
  const scale = Math.max(x.scale, y.scale);
  return [x.digits * 10n ** BigInt(scale - x.scale), y.digits * 10n ** BigInt(scale - y.scale), scale];
}

/** Undefined when one of them is no plain decimal number. */
export function addDecimals(a: string, b: string): string | undefined {
  const both = aligned(a, b);
  return both && format({ digits: both[0] + both[1], scale: both[2] });
}

/** Undefined when one of them is no plain decimal number. */
export function compareDecimals(a: string, b: string): number | undefined {
  const both = aligned(a, b);
  return both && (both[0] < both[1] ? -1 : both[0] > both[1] ? 1 : 0);
}

/** Numbers as the server prints them: `my_gcvt` in `strings/dtoa.c`. */

/** Places of the decimal point, counted from the first digit, beyond which it writes `1e17` or `1e-15`. */
const MOST = 15;
const LEAST = -14;

/** A double in the shortest form that reads back as the same. */
export function doubleText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  const digits = mantissa.replace(/[-.]/g, '');
  return (value < 0 ? '-' : '') + placed(digits, Number(exponent) + 1);
}

function placed(digits: string, point: number): string {
  if (point < LEAST || (point > MOST && digits.length <= point)) {
    const rest = digits.slice(1);
    return `${digits[0]}${rest && `.${rest}`}e${point - 1}`;
  }
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return digits + '0'.repeat(point - digits.length);
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Content hashes and the ids derived from them. */
import { createHash } from 'node:crypto';

/** Lower-case hex SHA-256. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** A 20-letter id (100 bits, base32 without look-alikes) from parts that are joined unambiguously. */
export function idOf(...parts: (string | number)[]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest();
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
  let out = '';
  for (let i = 0, bits = 0, value = 0; out.length < 20; i++) {
    value = (value << 8) | digest[i]!;
    bits += 8;
    while (bits >= 5 && out.length < 20) {
      bits -= 5;
      out += alphabet[(value >> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return out;
}

/** UUID, INET6 and INET4 as the server prints them: `sql/sql_type_uuid.h`, `sql/sql_type_inet.cc`. Zeros at their end are not stored. */

const hex = (bytes: Buffer): string => bytes.toString('hex');

export function whole(from: Buffer, start: number, length: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  from.copy(bytes, 0, start, start + Math.min(length, size));
  return bytes;
}

export function uuidText(bytes: Buffer): string {
  const text = hex(bytes);
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-');
}

export const inet4Text = (bytes: Buffer): string => [...bytes].join('.');

export function inet6Text(bytes: Buffer): string {
  const words = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2));
  const gap = longestGap(words);
  const isV4 = gap.at === 0 && (gap.length === 6 || (gap.length === 5 && words[5] === 0xffff));
  if (isV4) return `::${gap.length === 5 ? 'ffff:' : ''}${inet4Text(bytes.subarray(12))}`;
  const texts = words.map((w) => w.toString(16));
  if (gap.length === 0) return texts.join(':');
  return `${texts.slice(0, gap.at).join(':')}::${texts.slice(gap.at + gap.length).join(':')}`;
}

function longestGap(words: number[]): { at: number; length: number } {
  let best = { at: 0, length: 0 };
  for (let at = 0; at < words.length; at++) {
    let length = 0;
    while (words[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
    at += length;
  }
  return best;
}

/** Pages as members of a tar archive (POSIX.1-2017, ustar), written as they come. */
import { createHash } from 'node:crypto';

const BLOCK = 512;
/** Two empty blocks end an archive. */
export const ARCHIVE_END = Buffer.alloc(2 * BLOCK);
const LONGEST_LABEL = 60;

/** The header, the bytes, and zeros to the end of the block. `name`: at most 100 bytes of ASCII; `at`: milliseconds. */
export function archiveMember(name: string, bytes: Uint8Array, at: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 100, 'latin1');
  header.write('0000644\0', 100, 'latin1');
  header.write('0000000\0', 108, 'latin1');
  header.write('0000000\0', 116, 'latin1');
  header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  header.write(
    `${Math.max(0, Math.floor(at / 1000))
      .toString(8)
      .padStart(11, '0')}\0`,
    136,
    'latin1',
  );
  header.write('        ', 148, 'latin1');
  header.write('0', 156, 'latin1');
  header.write('ustar\0', 257, 'latin1');
  header.write('00', 263, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);
}

/** The folder of a list by its parameters: `customer_id=17`. Different parameters have different folders. */
export function folderOf(parameters: Readonly<Record<string, string>>): string {
  const text = Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll('.', '%2E')}`)
    .join(',');
  if (text.length <= LONGEST_LABEL) return text === '' ? '' : `${text}/`;
  return `${text.slice(0, LONGEST_LABEL - 17)}~${createHash('sha256').update(text).digest('hex').slice(0, 16)}/`;
}

/** tar archives: v7, ustar, GNU and pax, read as a stream. Links, devices and unsafe paths are refused, not skipped. */
import { s } from '../lib/spec/fields.ts';
import type { Infer } from '../lib/spec/spec.ts';
import type { Codec } from '../ports/codec.ts';
import { ByteReader } from './shared/byte-reader.ts';
import { corrupt, unsupported } from './shared/faults.ts';
import { isWanted, membersField, safePath, unsafePath } from './shared/names.ts';
import { EntryReader } from './tar/entries.ts';
import type { Header } from './tar/header.ts';

const spec = s.object({ members: membersField }, { doc: 'Takes files out of a tar archive.' });
export type TarConfig = Infer<typeof spec>;

/** Entries that are not files. Hard links and symbolic links, devices and pipes. */
const DANGEROUS: Record<string, string> = {
  '1': 'it is a hard link',
  '2': 'it is a symbolic link',
  '3': 'it is a device',
  '4': 'it is a device',
  '6': 'it is a pipe',
};

export const tar: Codec<TarConfig> = {
  type: 'tar',
  title: 'tar archive',
  extensions: ['.tar'],
  spec,
  async *decode(input, config) {
    const reader = new ByteReader(input.stream());
    const entries = new EntryReader(reader, input.name);
    const seen = new Set<string>();
    try {
      for (let header = await entries.next(); header; header = await entries.next()) {
        const path = safePath(input.name, header.path);
        if (!isFile(input.name, path, header)) {
          await entries.skip(header.bytes);
          continue;
        }
        if (seen.has(path))
          throw corrupt(input.name, `it holds ${JSON.stringify(path)} twice`, {
            hint: 'Which of them counts cannot be known: ask the sender for an archive that holds it once.',
          });
        seen.add(path);
        if (isWanted(path, config.members)) yield { name: path, body: entries.content(header.bytes) };
        else await entries.skip(header.bytes);
      }
    } finally {
      await reader.close();
    }
  },
};

/** Is it a file, rather than a folder? Throws for everything else. */
function isFile(archive: string, path: string, header: Header): boolean {
  if (header.type === '0') return true;
  if (header.type === '5') return false;
  const danger = DANGEROUS[header.type];
  if (danger) throw unsafePath(archive, path, danger);
  throw unsupported(
    archive,
    `its entry ${JSON.stringify(path)} is of type ${JSON.stringify(header.type)}`,
    'Make the archive with `tar --format=pax`.',
  );
}

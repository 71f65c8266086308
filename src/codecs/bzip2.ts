/** bzip2: one or many streams in a row. Decoded here, at about 1.5 times the time of the `bzip2` program, which need not be there. */
import { s } from '../lib/spec/fields.ts';
import type { Infer } from '../lib/spec/spec.ts';
import type { Codec, CodecInput } from '../ports/codec.ts';
import { decodeBzip2 } from './bzip2/decode.ts';
import { ByteReader } from './shared/byte-reader.ts';
import { notInFormat } from './shared/faults.ts';
import { LOOKS_LIKE_BYTES } from './shared/looks-like.ts';
import { innerName } from './shared/names.ts';

const spec = s.object({}, { doc: 'Decompresses bzip2.' });
export type Bzip2Config = Infer<typeof spec>;

export const bzip2: Codec<Bzip2Config> = {
  type: 'bzip2',
  title: 'bzip2',
  extensions: ['.bz2'],
  spec,
  async *decode(input) {
    yield { name: innerName(input.name, { '.bz2': '', '.tbz2': '.tar', '.tbz': '.tar' }), body: bunzip2(input) };
  },
};

async function* bunzip2(input: CodecInput): AsyncGenerator<Uint8Array> {
  const reader = new ByteReader(input.stream());
  try {
    const head = await reader.peek(LOOKS_LIKE_BYTES);
    if (head.length === 0 || !'BZh'.startsWith(head.toString('latin1', 0, 3)))
      throw notInFormat(input.name, 'bzip2', head);
    yield* decodeBzip2(reader, input.name);
  } finally {
    await reader.close();
  }
}

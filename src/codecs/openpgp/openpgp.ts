/** OpenPGP (RFC 9580 and 4880): decrypts with private keys or a passphrase, and checks signatures. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import type { Codec, CodecInput } from '../../ports/codec.ts';
import { ByteReader } from '../shared/byte-reader.ts';
import { innerName } from '../shared/names.ts';
import type { Bunzip2 } from './compression.ts';
import type { KeySource } from './keyring.ts';
import type { MessageOptions } from './message.ts';

const spec = s.object(
  {
    private_key: s.text({
      doc: 'The private key that decrypts, armored, as `gpg --export-secret-keys --armor` prints it.',
      example: '${secret:PGP_PRIVATE_KEY}',
      secret: true,
      optional: true,
    }),
    private_key_file: s.text({
      doc: 'A file with the private key, armored or binary; relative to the project folder.',
      example: 'keys/granary.asc',
      optional: true,
    }),
    passphrase: s.text({
      doc: 'Unlocks the private key, or the message itself when it is encrypted with a passphrase.',
      example: '${secret:PGP_PASSPHRASE}',
      secret: true,
      optional: true,
    }),
    signed_by: s.list(s.text({ doc: 'An armored public key.' }), {
      doc: 'Public keys, armored; when given, one of them must have signed. Without it signatures are ignored.',
      optional: true,
    }),
    signed_by_file: s.list(s.text({ doc: 'A file with public keys.', example: 'keys/vendor.asc' }), {
      doc: 'The same from files, armored or binary; relative to the project folder.',
      example: ['keys/vendor.asc'],
      optional: true,
    }),
  },
  { doc: 'Decrypts OpenPGP messages and checks their signatures.' },
);
export type OpenpgpConfig = Infer<typeof spec>;

/** What other components lend to this one. */
export interface OpenpgpHelpers {
  /** Loads a decoder for messages that are compressed with bzip2; without it they are `codec.unsupported`. */
  bunzip2?: () => Promise<Bunzip2>;
}

export function openpgpWith(helpers: OpenpgpHelpers): Codec<OpenpgpConfig> {
  return {
    type: 'openpgp',
    title: 'OpenPGP',
    extensions: ['.pgp', '.gpg', '.asc'],
    spec,
    async *decode(input, config) {
      yield {
        name: innerName(input.name, { '.pgp': '', '.gpg': '', '.asc': '' }),
        body: decrypt(input, config, helpers),
      };
    },
  };
}

export const openpgp = openpgpWith({});

async function* decrypt(input: CodecInput, config: OpenpgpConfig, helpers: OpenpgpHelpers): AsyncGenerator<Uint8Array> {
  const { readMessage } = await import('./message.ts');
  const options: MessageOptions = { ...(await readKeys(config)), bunzip2: await helpers.bunzip2?.() };
  const reader = new ByteReader(input.stream());
  try {
    yield* readMessage(reader, input.name, options);
  } finally {
    await reader.close();
  }
}

async function readKeys(config: OpenpgpConfig): Promise<Pick<MessageOptions, 'keyring' | 'signers'>> {
  const { readSecretKeys, readSigners } = await import('./keyring.ts');
  const secret: KeySource[] = [
    ...given('private_key', 'text', [config.private_key]),
    ...given('private_key_file', 'file', [config.private_key_file]),
  ];
  const signers: KeySource[] = [
    ...given('signed_by', 'text', config.signed_by ?? []),
    ...given('signed_by_file', 'file', config.signed_by_file ?? []),
  ];
  const keyring = { secretKeys: await readSecretKeys(secret), passphrase: config.passphrase };
  return signers.length > 0 ? { keyring, signers: await readSigners(signers) } : { keyring };
}

function given(field: string, as: 'text' | 'file', values: (string | undefined)[]): KeySource[] {
  return values.filter((value) => value !== undefined).map((value) => ({ field, [as]: value }));
}

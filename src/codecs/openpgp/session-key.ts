/** From the packets at the head of an encrypted message to the keys that may decrypt it (RFC 9580, 5.1 and 5.3). */
import { createDecipheriv } from 'node:crypto';
import { GranaryError } from '../../lib/errors.ts';
import { corrupt } from '../shared/faults.ts';
import { aeadOf, cipherOf, nodeName } from './algorithms.ts';
import { Malformed, Unsupported } from './faults.ts';
import { FieldReader } from './fields.ts';
import { decryptSessionKey } from './key-exchange.ts';
import type { Keyring } from './keyring.ts';
import { TAG } from './packet.ts';
import type { PublicKey } from './public-key.ts';
import { deriveKey, readS2k, type S2k } from './s2k.ts';
import { readSecretMaterial, type SecretKey } from './secret-key.ts';
import { sealingKey, unseal } from './unseal.ts';

export interface SessionKey {
  key: Buffer;
  /** Undefined where the encrypted packet itself names the cipher. */
  cipherId?: number;
  /** A wrong passphrase gives a wrong key without a sign; a wrong private key does not. */
  from: 'private key' | 'passphrase';
}

/** One way to the session key, as its packet offers it. */
export type KeyOffer =
  | { kind: 'key'; version: 3 | 6; keyId: string; algorithm: number; fields: FieldReader }
  | { kind: 'passphrase'; open(passphrase: string): SessionKey | undefined }
  /** Of a version or with an algorithm that this codec does not have; another offer may do. */
  | { kind: 'unusable'; why?: Unsupported };

const HIDDEN_RECIPIENT = '0000000000000000';

/** Reads a session-key packet. Throws `Malformed`. */
export function readKeyOffer(tag: number, packet: Buffer): KeyOffer {
  const fields = new FieldReader(packet, 'the packet of a session key');
  try {
    return tag === TAG.publicKeySessionKey ? readPublicKeyOffer(fields) : readPassphraseOffer(fields);
  } catch (error) {
    if (error instanceof Unsupported) return { kind: 'unusable', why: error };
    throw error;
  }
}

function readPublicKeyOffer(fields: FieldReader): KeyOffer {
  const version = fields.u8();
  if (version === 3) {
    const keyId = fields.take(8).toString('hex').toUpperCase();
    return { kind: 'key', version, keyId, algorithm: fields.u8(), fields };
  }
  if (version !== 6) return { kind: 'unusable' };
  const length = fields.u8();
  if (length === 0) return { kind: 'key', version, keyId: HIDDEN_RECIPIENT, algorithm: fields.u8(), fields };
  const keyVersion = fields.u8();
  const fingerprint = fields.take(length - 1);
  const id = keyVersion === 6 ? fingerprint.subarray(0, 8) : fingerprint.subarray(-8);
  return { kind: 'key', version, keyId: id.toString('hex').toUpperCase(), algorithm: fields.u8(), fields };
}

function readPassphraseOffer(fields: FieldReader): KeyOffer {
  const version = fields.u8();
  if (version === 4) return readCfbOffer(fields);
  if (version !== 5 && version !== 6) return { kind: 'unusable' };
  if (version === 6) fields.take(1);
  const cipherId = fields.u8();
  const modeId = fields.u8();
  const aead = aeadOf(cipherId, modeId);
  if (version === 6) fields.take(1);
  const s2k = derivable(readS2k(fields));
  const nonce = fields.take(aead.nonceBytes);
  const sealed = fields.rest();
  const info = Buffer.from([0xc0 | TAG.passphraseSessionKey, version, cipherId, modeId]);
  return {
    kind: 'passphrase',
    open(passphrase) {
      const base = deriveKey(s2k, passphrase, aead.keyBytes);
      const kek = version === 6 ? sealingKey(base, info) : base;
      const key = unseal(aead.name, kek, nonce, info, sealed);
      return key && { key, from: 'passphrase' };
    },
  };
}

function readCfbOffer(fields: FieldReader): KeyOffer {
  const cipherId = fields.u8();
  const cipher = cipherOf(cipherId);
  if (!cipher) throw new Malformed(`it is encrypted with cipher ${cipherId}, which does not exist`);
  const name = `${nodeName(cipher)}-cfb`;
  const s2k = derivable(readS2k(fields));
  const sealed = fields.rest();
  return {
    kind: 'passphrase',
    open(passphrase) {
      const key = deriveKey(s2k, passphrase, cipher.keyBytes);
      if (sealed.length === 0) return { key, cipherId, from: 'passphrase' };
      const clear = createDecipheriv(name, key, Buffer.alloc(cipher.blockBytes)).update(sealed);
      const isKey = cipherOf(clear[0]!)?.keyBytes === clear.length - 1;
      return isKey ? { key: clear.subarray(1), cipherId: clear[0]!, from: 'passphrase' } : undefined;
    },
  };
}

function derivable(s2k: S2k): Exclude<S2k, { kind: 'absent' }> {
  if (s2k.kind === 'absent') throw new Malformed('the packet of a session key has no way to derive it');
  return s2k;
}

/**
 * Every key that the configured private keys and passphrase give for these offers, at least one.
 * Throws `codec.no_key`, `codec.bad_passphrase`, `codec.corrupt`, and `Unsupported`.
 */
export function openSessionKeys(offers: KeyOffer[], keyring: Keyring, name: string): SessionKey[] {
  const found: SessionKey[] = [];
  const faults: unknown[] = [];
  for (const offer of offers) {
    if (offer.kind === 'passphrase' && keyring.passphrase !== undefined) {
      const key = offer.open(keyring.passphrase);
      if (key) found.push(key);
      else faults.push(badPassphrase(name));
    }
    if (offer.kind === 'unusable' && offer.why) faults.push(offer.why);
    if (offer.kind !== 'key') continue;
    for (const secret of keyring.secretKeys) {
      if (offer.keyId !== HIDDEN_RECIPIENT && offer.keyId !== secret.public.keyId) continue;
      if (offer.algorithm !== secret.public.algorithm || secret.lock.kind === 'absent') continue;
      try {
        found.push(openWithKey(offer, secret, keyring, name));
      } catch (error) {
        faults.push(error);
      }
    }
  }
  if (found.length === 0) throw faults[0] ?? noKey(offers, keyring, name);
  return found;
}

function openWithKey(offer: KeyOffer & { kind: 'key' }, secret: SecretKey, keyring: Keyring, name: string): SessionKey {
  const numbers = unlock(secret, keyring.passphrase, name);
  const material = readSecretMaterial(secret.public, numbers);
  // The offer may be tried with several keys: each reads its fields from their start.
  const fields = offer.fields.fork();
  const opened = decryptOrMalformed(() => decryptSessionKey(fields, secret.public, material, offer.version === 3));
  return { ...parseClear(opened, secret.public, offer.version), from: 'private key' };
}

function decryptOrMalformed<T>(decrypt: () => T): T {
  try {
    return decrypt();
  } catch (error) {
    if (error instanceof Malformed || error instanceof Unsupported) throw error;
    throw new Malformed('its session key does not decrypt', { cause: error });
  }
}

function parseClear(
  opened: { clear: Buffer; cipherId?: number },
  key: PublicKey,
  version: 3 | 6,
): { key: Buffer; cipherId?: number } {
  if (key.material.kind === 'montgomery') return { key: opened.clear, cipherId: opened.cipherId };
  const cipherId = version === 3 ? opened.clear[0] : undefined;
  const sessionKey = opened.clear.subarray(version === 3 ? 1 : 0, -2);
  const sum = sessionKey.reduce((total, byte) => (total + byte) & 0xffff, 0);
  if (opened.clear.length < 3 || sum !== opened.clear.readUInt16BE(opened.clear.length - 2))
    throw new Malformed('the checksum of its session key does not match');
  return { key: sessionKey, cipherId };
}

function unlock(secret: SecretKey, passphrase: string | undefined, name: string): Buffer {
  const { lock, public: key } = secret;
  if (lock.kind === 'open') return lock.numbers;
  if (lock.kind === 'absent' || passphrase === undefined) {
    throw new GranaryError(
      'codec.no_key',
      `"${name}" cannot be decrypted: private key ${key.keyId} is locked and no passphrase is given`,
      {
        where: { file: name },
        hint: 'Set `passphrase` to a reference such as `${secret:PGP_PASSPHRASE}`.',
      },
    );
  }
  const numbers = lock.open(passphrase);
  if (numbers) return numbers;
  throw new GranaryError(
    'codec.bad_passphrase',
    `The passphrase does not unlock private key ${key.keyId}, needed for "${name}"`,
    {
      where: { file: name },
      hint: 'Check the secret that `passphrase` refers to.',
    },
  );
}

/** `codec.bad_passphrase` for a message that is encrypted with a passphrase. */
export function badPassphrase(name: string): GranaryError {
  return new GranaryError('codec.bad_passphrase', `The passphrase does not decrypt "${name}"`, {
    where: { file: name },
    hint: 'Check the secret that `passphrase` refers to, and with the sender which passphrase was used.',
  });
}

function noKey(offers: KeyOffer[], keyring: Keyring, name: string): GranaryError {
  const recipients = offers.flatMap((offer) => (offer.kind === 'key' ? [offer.keyId] : []));
  const shown = recipients.map((id) => (id === HIDDEN_RECIPIENT ? 'a hidden recipient' : `key ${id}`));
  if (offers.some((offer) => offer.kind === 'passphrase')) shown.push('whoever has its passphrase');
  if (shown.length === 0) return corrupt(name, 'it names nobody whom it is encrypted for');
  const configured = keyring.secretKeys.filter((key) => key.lock.kind !== 'absent').map((key) => key.public.keyId);
  return new GranaryError(
    'codec.no_key',
    `"${name}" is encrypted for ${shown.join(', ')}, and no configured key is one of them`,
    {
      where: { file: name },
      hint:
        recipients.length > 0
          ? `Configured: ${configured.join(', ') || 'no private key'}. Give the right \`private_key\`, or ask the sender to encrypt to yours.`
          : 'Set `passphrase` to a reference such as `${secret:PGP_PASSPHRASE}`.',
      details: { recipients, configured },
    },
  );
}

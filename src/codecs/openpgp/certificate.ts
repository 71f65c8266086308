/** Whose signatures count: the keys of a certificate that may sign data, and when (RFC 9580, 5.2.3 and 10.1). */
import { Malformed, Unsupported } from './faults.ts';
import { FieldReader } from './fields.ts';
import { Layer } from './layer.ts';
import { heldBody, nextPacket, TAG } from './packet.ts';
import { keyPrefix, type PublicKey, readPublicKey } from './public-key.ts';
import { readSignature, SIGNATURE, type Signature, Verification } from './signature.ts';

export interface SigningKey {
  key: PublicKey;
  /** Why a signature made at this time (seconds since 1970) does not count, as a clause; undefined when it does. */
  objection(time: number): string | undefined;
}

/** A key with the signatures over it alone, and over its user ids. */
interface Part {
  key: PublicKey;
  signatures: Signature[];
  /** What each user id (or photo) hashes as, with the signatures over it. */
  identities: { hashed: Buffer; signatures: Signature[] }[];
}

/** The keys that may sign, of all certificates in `packets`. Throws `Malformed` and `Unsupported`. */
export async function readSigningKeys(packets: Buffer): Promise<SigningKey[]> {
  const certificates = await readCertificates(packets);
  return certificates.flatMap(([primary, ...subkeys]) => {
    const standing = primaryStanding(primary!);
    const keys = [
      signingPrimary(primary!, standing),
      ...subkeys.map((subkey) => signingSubkey(primary!, subkey, standing)),
    ];
    return keys.filter((key) => key !== undefined);
  });
}

/** Each certificate as its primary key and its subkeys. */
async function readCertificates(packets: Buffer): Promise<Part[][]> {
  const layer = Layer.held(packets, 'the key');
  const certificates: Part[][] = [];
  // Undefined behind a subkey this codec cannot use: its signatures are skipped with it.
  let part: Part | undefined;
  for (let packet = await nextPacket(layer); packet; packet = await nextPacket(layer)) {
    const body = await heldBody(packet, 'the key');
    switch (packet.tag) {
      case TAG.publicKey:
      case TAG.secretKey:
        part = newPart(body);
        certificates.push([part]);
        break;
      case TAG.publicSubkey:
      case TAG.secretSubkey:
        part = usable(() => newPart(body));
        if (part) certificates.at(-1)?.push(part);
        break;
      case TAG.userId:
      case TAG.userAttribute:
        part?.identities.push({ hashed: identityHashed(packet.tag, body), signatures: [] });
        break;
      case TAG.signature: {
        const signature = usable(() => readSignature(body));
        if (signature) (part?.identities.at(-1) ?? part)?.signatures.push(signature);
      }
    }
  }
  if (certificates.length === 0) throw new Malformed('there is no OpenPGP key in it');
  return certificates;
}

function newPart(body: Buffer): Part {
  return { key: readPublicKey(body, new FieldReader(body, 'an OpenPGP key')), signatures: [], identities: [] };
}

/** A certificate may hold parts that only newer programs know; they are left out. */
function usable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Unsupported) return undefined;
    throw error;
  }
}

function identityHashed(tag: number, body: Buffer): Buffer {
  const prefix = Buffer.from([tag === TAG.userId ? 0xb4 : 0xd1, 0, 0, 0, 0]);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

/** From when until when a key is good; seconds since 1970. */
interface Standing {
  from: number;
  until: number;
  /** Undefined when the key has no proof that it is what it says. */
  settings: Signature | undefined;
  revocations: Signature[];
}

function primaryStanding({ key, signatures, identities }: Part): Standing {
  const over = hashedKey(key);
  const valid = (signature: Signature, ...more: Buffer[]) => verifies(signature, key, over, ...more);
  const direct = signatures.filter((s) => s.type === SIGNATURE.directKey && valid(s));
  const certifications = identities.flatMap(({ hashed, signatures: over }) =>
    over.filter(
      (s) => s.type >= SIGNATURE.firstCertification && s.type <= SIGNATURE.lastCertification && valid(s, hashed),
    ),
  );
  const revocations = signatures.filter((s) => s.type === SIGNATURE.keyRevocation && valid(s));
  return standing(key, latest([...direct, ...certifications]), revocations);
}

function standing(key: PublicKey, settings: Signature | undefined, revocations: Signature[]): Standing {
  const lifetime = settings?.claims.keyExpiresAfter;
  return {
    from: key.created,
    until: lifetime ? key.created + lifetime : Number.POSITIVE_INFINITY,
    settings,
    revocations,
  };
}

const MAY_SIGN = 0x02;

function signingPrimary({ key }: Part, own: Standing): SigningKey | undefined {
  const flags = own.settings?.claims.keyFlags;
  if (!own.settings || (flags !== undefined && !(flags & MAY_SIGN))) return undefined;
  return { key, objection: (time) => objection(key, own, time) };
}

/** A subkey counts when the primary key binds it for signing and it agrees, by a signature of its own. */
function signingSubkey(primary: Part, { key, signatures }: Part, ofPrimary: Standing): SigningKey | undefined {
  const over = [hashedKey(primary.key), hashedKey(key)];
  const valid = (signature: Signature) => verifies(signature, primary.key, ...over);
  const binding = latest(signatures.filter((s) => s.type === SIGNATURE.subkeyBinding && valid(s)));
  const agreement = binding?.claims.embedded;
  if (!ofPrimary.settings || !((binding?.claims.keyFlags ?? 0) & MAY_SIGN)) return undefined;
  if (agreement?.type !== SIGNATURE.primaryKeyBinding || !verifies(agreement, key, ...over)) return undefined;
  const own = standing(
    key,
    binding,
    signatures.filter((s) => s.type === SIGNATURE.subkeyRevocation && valid(s)),
  );
  return { key, objection: (time) => objection(primary.key, ofPrimary, time) ?? objection(key, own, time) };
}

function objection(key: PublicKey, { from, until, revocations }: Standing, time: number): string | undefined {
  if (time < from) return `it is older than key ${key.keyId}`;
  if (time >= until) return `key ${key.keyId} had expired when it was made`;
  return revocations.some((r) => !isSoft(r) || time >= r.created) ? `key ${key.keyId} is revoked` : undefined;
}

/** Superseded (1) and retired (3) keys keep their older signatures; any other reason, or none, ends them all. */
function isSoft({ claims }: Signature): boolean {
  return claims.revocationReason === 1 || claims.revocationReason === 3;
}

function latest(signatures: Signature[]): Signature | undefined {
  return signatures.reduce<Signature | undefined>((a, b) => (a && a.created > b.created ? a : b), undefined);
}

function hashedKey(key: PublicKey): Buffer {
  return Buffer.concat([keyPrefix(key.version, key.body.length), key.body]);
}

/** SHA-1 is taken here: whoever configures a key trusts what its owner signed about it, and older keys have nothing else. */
function verifies(signature: Signature, key: PublicKey, ...over: Buffer[]): boolean {
  if (signature.claims.unknownCritical || signature.hash === 'md5') return false;
  const verification = new Verification(signature);
  for (const bytes of over) verification.update(bytes);
  try {
    return verification.isBy(key, signature);
  } catch (error) {
    if (error instanceof Malformed || error instanceof Unsupported) return false;
    throw error;
  }
}

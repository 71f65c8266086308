/** Which host keys are accepted, and what to tell the user about one that is not. */
import { createHash } from 'node:crypto';
import { GranaryError } from '../../lib/errors.ts';
import { endpointOf, type SftpConfig } from './config.ts';

/** Key algorithms by family: a server has at most one key of each, and the fingerprint a user was given may be of any. */
export const KEY_FAMILIES = [
  ['ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'rsa-sha2-256'],
] as const;

/** As `ssh-keygen -l` prints it: `SHA256:` and unpadded base64. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

export function isAccepted(fingerprint: string, config: SftpConfig): boolean {
  return (config.host_key ?? []).some((pin) => pin === 'any' || pin.replace(/=+$/, '') === fingerprint);
}

/** The error for a server of which none of the `seen` keys is accepted. */
export function hostKeyFault(config: SftpConfig, seen: string[]): GranaryError {
  const pinned = config.host_key ?? [];
  const details = { seen, pinned };
  if (pinned.length === 0)
    return new GranaryError(
      'connector.host_key_unknown',
      `${endpointOf(config)} shows the host key ${seen.join(', ')}, and none is pinned in this source`,
      { details, hint: `If the server's operator confirms it, add the line: host_key: "${seen[0]}"` },
    );
  return new GranaryError(
    'connector.host_key_mismatch',
    `${endpointOf(config)} shows the host key ${seen.join(', ')}, pinned is ${pinned.join(', ')}`,
    {
      details,
      hint: `Somebody may be in between. Only if the server's operator confirms the change, set host_key: "${seen[0]}"`,
    },
  );
}

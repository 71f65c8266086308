/** The configuration of the SFTP connector. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import * as common from '../lib/fields.ts';

export const sftpSpec = s.object(
  {
    host: common.host,
    port: s.integer({ doc: 'Port of the server.', example: 2222, default: 22, min: 1, max: 65535 }),
    user: s.text({ doc: 'User name.', example: 'granary' }),
    password: s.text({
      doc: 'Password; also the answer to every question of a server that asks (keyboard-interactive).',
      example: '${secret:vendor_sftp_password}',
      optional: true,
      secret: true,
    }),
    private_key: s.text({
      doc: 'Private key (OpenSSH, PEM or PuTTY), the text itself.',
      example: '${secret:vendor_sftp_key}',
      optional: true,
      secret: true,
    }),
    private_key_file: s.text({
      doc: 'File with the private key, absolute or relative to the project.',
      example: '/home/granary/.ssh/id_ed25519',
      optional: true,
    }),
    passphrase: s.text({
      doc: 'Passphrase of the private key.',
      example: '${secret:vendor_sftp_passphrase}',
      optional: true,
      secret: true,
    }),
    host_key: s.list(
      s.text({
        doc: 'A fingerprint as `ssh-keygen -l` prints it.',
        pattern: { regex: /^(any|SHA256:[A-Za-z0-9+/]{43}=?)$/, meaning: 'a fingerprint "SHA256:…", or any' },
      }),
      {
        doc: 'Fingerprints of the host keys that are accepted. `any` accepts every key, and with it whoever sits in between.',
        example: 'SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8',
        optional: true,
      },
    ),
    root: s.text({
      doc: 'Folder on the server that paths are relative to; the folder after login when not given.',
      example: '/outgoing',
      optional: true,
    }),
    connections: common.parallel,
    timeout: common.timeout,
  },
  { doc: 'Reads files from an SFTP server.' },
);
export type SftpConfig = Infer<typeof sftpSpec>;

/** For messages. */
export function endpointOf(config: SftpConfig): string {
  return `sftp://${config.host}:${config.port}`;
}

/** The configuration of the FTP connector. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import * as common from '../lib/fields.ts';

export const ftpSpec = s.object(
  {
    host: common.host,
    port: s.integer({
      doc: 'Port of the server; 21, or 990 with implicit TLS, when not given.',
      example: 2121,
      optional: true,
      min: 1,
      max: 65535,
    }),
    user: s.text({ doc: 'User name.', example: 'granary', default: 'anonymous' }),
    password: s.text({
      doc: 'Password.',
      example: '${secret:vendor_ftp_password}',
      optional: true,
      secret: true,
    }),
    root: s.text({
      doc: 'Folder on the server that paths are relative to; the folder after login when not given.',
      example: '/outgoing',
      optional: true,
    }),
    tls: s.choice(['none', 'explicit', 'implicit'], {
      doc: 'Encryption: none, explicit (AUTH TLS on the usual port) or implicit (TLS from the first byte).',
      example: 'explicit',
      default: 'none',
    }),
    ca_file: common.caFile,
    tls_fingerprint: s.text({
      doc: 'SHA-256 fingerprint of the one certificate that is accepted, instead of asking authorities.',
      example: '5E:1F:…:9A',
      optional: true,
    }),
    name_encoding: s.choice(['utf-8', 'latin-1'], {
      doc: 'Encoding of file names on the server.',
      example: 'latin-1',
      default: 'utf-8',
    }),
    connections: common.parallel,
    timeout: common.timeout,
  },
  { doc: 'Reads files from an FTP or FTPS server, with passive transfers to the host of the control connection.' },
);
export type FtpConfig = Infer<typeof ftpSpec>;

export function portOf(config: FtpConfig): number {
  return config.port ?? (config.tls === 'implicit' ? 990 : 21);
}

/** For messages. */
export function endpointOf(config: FtpConfig): string {
  return `${config.tls === 'none' ? 'ftp' : 'ftps'}://${config.host}:${portOf(config)}`;
}

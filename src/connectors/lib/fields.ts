/** Configuration fields that several connectors have. */
import { s } from '../../lib/spec/fields.ts';

export const host = s.text({ doc: 'Name or address of the server.', example: 'ftp.example.com' });

export const timeout = s.duration({
  doc: 'How long connecting may take, and how long a connection in use may stay silent.',
  example: '30 s',
  default: 30,
});

export const parallel = s.integer({
  doc: 'How many files are read at the same time.',
  example: 4,
  default: 4,
  min: 1,
  max: 32,
});

export const caFile = s.text({
  doc: 'File with the certificates (PEM) of the authorities that may vouch for the server, instead of the well-known ones.',
  example: 'certs/vendor-ca.pem',
  optional: true,
});

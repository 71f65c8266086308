/** `server` of granary.yaml: where the HTTP API of `granary up` listens. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';

const PLACE = {
  regex: /^(unix:.+|((\[[0-9a-fA-F:.]+\]|[^:\s[\]]+):)?\d{1,5})$/,
  meaning: 'host:port such as 127.0.0.1:4180, or unix:path',
};
const HOST = { regex: /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, meaning: 'the name of a host, without a port' };

export const serverSpec = s.object(
  {
    listen: s.text({
      doc: 'Where the HTTP API listens besides the socket of the data directory, which commands use: `host:port`, or `unix:path`. On TCP every request needs a token.',
      example: '127.0.0.1:4180',
      optional: true,
      pattern: PLACE,
    }),
    expose: s.boolean({
      doc: 'Let other machines in: without it an address that they can reach is refused.',
      default: false,
    }),
    hosts: s.list(s.text({ doc: 'A name.', pattern: HOST }), {
      doc: 'Names by which it is called, besides the address it listens at: requests that name another host are refused.',
      example: ['granary.example.com'],
      optional: true,
    }),
  },
  { doc: 'The HTTP API of `granary up`.' },
);
export type ServerConfig = Infer<typeof serverSpec>;

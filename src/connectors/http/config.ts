/** The configuration of the HTTP connector. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import * as common from '../lib/fields.ts';

export const httpSpec = s.object(
  {
    url: s.text({
      doc: 'The folder that paths are relative to.',
      example: 'https://data.example.com/exports/',
      pattern: {
        regex: /^https?:\/\/[^/?#@]+(\/[^?#]*)?$/,
        meaning: 'an http or https URL without user, query and fragment',
      },
    }),
    paths: s.list(s.text({ doc: 'A path, with {yyyy}, {yy}, {MM}, {dd} and {HH} for parts of a date in UTC.' }), {
      doc: 'What to ask for, below the URL; {yyyy}, {yy}, {MM}, {dd} and {HH} are parts of a date in UTC. When not given, the index is read.',
      example: ['sales_{yyyy}{MM}{dd}.csv.gz'],
      optional: true,
    }),
    look_back: s.duration({
      doc: 'How far back paths with date parts are asked for.',
      example: '14 days',
      default: 7 * 86_400,
    }),
    index: s.choice(['html', 'json'], {
      doc: "How the server lists a folder: a page with links, or a JSON list of names or of nginx's entries (name, type, size, mtime).",
      example: 'json',
      default: 'html',
    }),
    user: s.text({ doc: 'User name, for basic authentication.', example: 'granary', optional: true }),
    password: s.text({
      doc: 'Password, for basic authentication.',
      example: '${secret:vendor_http_password}',
      optional: true,
      secret: true,
    }),
    bearer_token: s.text({
      doc: 'Token sent as `Authorization: Bearer`.',
      example: '${secret:vendor_http_token}',
      optional: true,
      secret: true,
    }),
    headers: s.map(s.text({ doc: 'Value of the header.', secret: true }), {
      doc: 'Further headers of every request to this server, such as an API key.',
      example: { 'X-Api-Key': '${secret:vendor_api_key}' },
      default: {},
    }),
    ca_file: common.caFile,
    connections: common.parallel,
    timeout: common.timeout,
  },
  { doc: 'Downloads files from a web server.' },
);
export type HttpConfig = Infer<typeof httpSpec>;

/** The base URL, with the slash that makes relative paths go below it. */
export function baseOf(config: Pick<HttpConfig, 'url'>): URL {
  return new URL(config.url.endsWith('/') ? config.url : `${config.url}/`);
}

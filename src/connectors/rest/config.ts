/** The configuration of the REST connector. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import * as common from '../lib/fields.ts';
import { PRESET_NAMES } from './presets/presets.ts';

const secret = (doc: string, example: string) => s.text({ doc, example, secret: true });

const bearer = s.object(
  { token: secret('The token.', '${secret:CRM_TOKEN}') },
  { doc: 'A token in `Authorization: Bearer`.' },
);
const basic = s.object(
  {
    user: s.text({ doc: 'User name; some services want a key here, and no password.', example: 'granary' }),
    password: s.text({ doc: 'Password.', example: '${secret:CRM_PASSWORD}', default: '', secret: true }),
  },
  { doc: 'A user and a password in `Authorization: Basic`.' },
);
const apiKey = s.object(
  {
    name: s.text({ doc: 'Name of the header or parameter.', example: 'X-Api-Key' }),
    value: secret('The key.', '${secret:CRM_KEY}'),
    in: s.choice(['header', 'query'], { doc: 'Where it is sent.', default: 'header' }),
  },
  { doc: 'A key in a header or in the query.' },
);
const oauth2 = s.object(
  {
    token_url: s.text({
      doc: 'Where tokens are given out.',
      example: 'https://login.example.com/oauth/token',
      pattern: { regex: /^https?:\/\/[^?#@]+$/, meaning: 'an http or https URL without user, query and fragment' },
    }),
    client_id: s.text({ doc: 'Id of the client.', example: 'granary' }),
    client_secret: s.text({
      doc: 'Secret of the client.',
      example: '${secret:CRM_CLIENT}',
      optional: true,
      secret: true,
    }),
    refresh_token: s.text({
      doc: 'With it tokens are got by the refresh grant, otherwise by the client credentials. Where the server gives out another one each time, the last one is kept in the data directory, encrypted; with another value here it begins anew.',
      example: '${secret:CRM_REFRESH_TOKEN}',
      optional: true,
      secret: true,
    }),
    scope: s.text({ doc: 'What the token is to allow.', example: 'contacts.read', optional: true }),
    audience: s.text({ doc: 'For whom the token is, where the server asks for it.', optional: true }),
    client_in: s.choice(['body', 'header'], {
      doc: 'Whether the id and the secret of the client are sent in the body or as basic authentication.',
      default: 'body',
    }),
  },
  {
    doc: 'OAuth 2.0: client credentials, or a refresh token. Tokens are renewed before they expire.',
  },
);

export type OAuth2Config = Infer<typeof oauth2>;
export type AuthConfig =
  | ({ type: 'bearer' } & Infer<typeof bearer>)
  | ({ type: 'basic' } & Infer<typeof basic>)
  | ({ type: 'api_key' } & Infer<typeof apiKey>)
  | ({ type: 'oauth2' } & OAuth2Config);

export const restSpec = s.object(
  {
    preset: s.choice(PRESET_NAMES, {
      doc: 'A service whose addresses, paging and endpoints are known. What is given besides wins.',
      example: 'stripe',
      optional: true,
    }),
    base: s.text({
      doc: 'What the paths of datasets are appended to.',
      example: 'https://api.example.com/v1',
      optional: true,
      pattern: {
        regex: /^https?:\/\/[^/?#@]+(\/[^?#]*)?$/,
        meaning: 'an http or https URL without user, query and fragment',
      },
    }),
    auth: s.variants(
      [
        { type: 'bearer', title: 'Bearer token', spec: bearer },
        { type: 'basic', title: 'Basic authentication', spec: basic },
        { type: 'api_key', title: 'API key', spec: apiKey },
        { type: 'oauth2', title: 'OAuth 2.0', spec: oauth2 },
      ],
      { doc: 'How requests show who asks.', example: { type: 'bearer', token: '${secret:CRM_TOKEN}' }, optional: true },
    ),
    headers: s.map(s.text({ doc: 'Value of the header.', secret: true }), {
      doc: 'Further headers of every request.',
      example: { 'Api-Version': '2026-01-01' },
      default: {},
    }),
    query: s.map(s.text({ doc: 'Value of the parameter.', secret: true }), {
      doc: 'Further parameters of every request.',
      example: { account: '4711' },
      default: {},
    }),
    rate: s.object(
      {
        per_second: s.number({ doc: 'At most so many requests a second.', example: 5, min: 0.001, optional: true }),
        per_minute: s.number({ doc: 'At most so many requests a minute.', example: 100, min: 0.001, optional: true }),
        at_once: s.integer({ doc: 'At most so many requests at the same time.', default: 4, min: 1, max: 32 }),
      },
      { doc: 'How the server is spared, beyond what it says itself. It holds for each worker.' },
    ),
    retries: s.object(
      {
        statuses: s.list(s.integer({ doc: 'A status.', min: 400, max: 599 }), {
          doc: 'Further statuses after which a request is made again: 408, 425, 429 and all from 500 are known.',
          example: [409],
          default: [],
        }),
        attempts: s.integer({ doc: 'How often a request is made that fails.', default: 6, min: 1, max: 100 }),
        max_wait: s.duration({
          doc: 'How long one request may wait in all where the server limits and says when to come back.',
          example: '1 h',
          default: 3600,
        }),
      },
      { doc: 'What is done when a request fails.' },
    ),
    page_max_bytes: s.size({
      doc: 'A larger answer is refused: ask for smaller pages, or load a file by the http connector.',
      example: '64 MB',
      default: 64e6,
    }),
    openapi: s.text({
      doc: 'File or URL of an OpenAPI description, from which `granary discover` takes the endpoints.',
      example: 'https://api.example.com/openapi.json',
      optional: true,
    }),
    ca_file: common.caFile,
    timeout: common.timeout,
  },
  { doc: 'Reads endpoints of an API that answers in JSON, page by page. Nothing is written there.' },
);
export type RestConfig = Infer<typeof restSpec>;

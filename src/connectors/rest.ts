/** Endpoints of APIs that answer in JSON. */
import type { ExtractConnector } from '../ports/extract.ts';
import { type RestConfig, restSpec } from './rest/config.ts';
import { describeRead } from './rest/describe.ts';
import { offerOfPath } from './rest/named.ts';
import { PRESET_NAMES, presetOf } from './rest/presets/presets.ts';
import { type RestRead, restReadSpec } from './rest/read.ts';

export const rest: ExtractConnector<RestConfig, RestRead> = {
  kind: 'extracts',
  type: 'rest',
  title: 'REST API',
  spec: restSpec,
  read: restReadSpec,
  describe: describeRead,
  named: offerOfPath,
  withoutOffers: `An API does not say by itself what it has. Name paths to try, with \`granary discover --only /contacts\`, or give the connector an openapi description or a preset (${PRESET_NAMES.join(', ')}). docs/guide/rest.md shows how a dataset is written by hand.`,
  async open(config, context) {
    const { RestSource } = await import('./rest/source.ts');
    return await RestSource.open(config, presetOf(config.preset), context);
  },
};

/** Endpoints of APIs that answer in JSON. */
import type { ExtractConnector } from '../ports/extract.ts';
import { type RestConfig, restSpec } from './rest/config.ts';
import { describeRead } from './rest/describe.ts';
import { presetOf } from './rest/presets/presets.ts';
import { type RestRead, restReadSpec } from './rest/read.ts';

export const rest: ExtractConnector<RestConfig, RestRead> = {
  kind: 'extracts',
  type: 'rest',
  title: 'REST API',
  spec: restSpec,
  read: restReadSpec,
  describe: describeRead,
  async open(config, context) {
    const { RestSource } = await import('./rest/source.ts');
    return await RestSource.open(config, presetOf(config.preset), context);
  },
};

/** An open API as a source of records. */

import type { ConnectorContext } from '../../ports/connector.ts';
import type { Extracted, ExtractRequest, ExtractSink, ExtractSource, Offer, Proposal } from '../../ports/extract.ts';
import type { RestConfig } from './config.ts';
import { type Discovering, offersOf, proposalOf } from './discovery.ts';
import { Extraction } from './extraction.ts';
import type { Preset } from './presets/preset.ts';
import type { RestRead } from './read.ts';
import { Requests } from './requests.ts';

export class RestSource implements ExtractSource<RestRead> {
  readonly #config: RestConfig;
  readonly #requests: Requests;
  readonly #context: ConnectorContext;

  private constructor(config: RestConfig, requests: Requests, context: ConnectorContext) {
    this.#config = config;
    this.#requests = requests;
    this.#context = context;
  }

  static async open(config: RestConfig, preset: Preset | undefined, context: ConnectorContext): Promise<RestSource> {
    return new RestSource(config, await Requests.create(config, preset, context), context);
  }

  async extract(request: ExtractRequest<RestRead>, sink: ExtractSink): Promise<Extracted> {
    return await new Extraction(this.#requests, this.#config, request, sink).run();
  }

  offers(): AsyncGenerator<Offer> {
    return offersOf(this.#discovering);
  }

  propose(offer: Offer): Promise<Proposal> {
    return proposalOf(offer, this.#discovering);
  }

  get #discovering(): Discovering {
    const { projectDir, signal } = this.#context;
    return { requests: this.#requests, config: this.#config, projectDir, signal };
  }

  async close(): Promise<void> {
    await this.#requests.close();
  }
}

/** An open API as a source of records. */
import type { Extracted, ExtractRequest, ExtractSink, ExtractSource, Offer, Proposal } from '../../ports/extract.ts';
import type { RestConfig } from './config.ts';
import { Extraction } from './extraction.ts';
import type { Preset } from './presets/preset.ts';
import type { RestRead } from './read.ts';
import { Requests } from './requests.ts';

export class RestSource implements ExtractSource<RestRead> {
  readonly #config: RestConfig;
  readonly #requests: Requests;

  private constructor(config: RestConfig, requests: Requests) {
    this.#config = config;
    this.#requests = requests;
  }

  static async open(config: RestConfig, preset: Preset | undefined, projectDir: string): Promise<RestSource> {
    return new RestSource(config, await Requests.create(config, preset, projectDir));
  }

  async extract(request: ExtractRequest<RestRead>, sink: ExtractSink): Promise<Extracted> {
    return await new Extraction(this.#requests, this.#config, request, sink).run();
  }

  async *offers(): AsyncGenerator<Offer> {}

  async propose(offer: Offer): Promise<Proposal> {
    return { columns: [], key: [], read: offer.read, load: undefined, notes: [] };
  }

  async close(): Promise<void> {
    this.#requests.close();
  }
}

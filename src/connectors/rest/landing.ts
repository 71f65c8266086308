/** Writes pages into the object of a dataset: a tar archive that is begun with the first page that has records. */
import { redact } from '../../lib/redact.ts';
import type { ExtractSink } from '../../ports/extract.ts';
import { ARCHIVE_END, archiveMember, folderOf } from './archive.ts';
import { PAGE, WITH } from './describe.ts';
import type { List } from './lists.ts';
import type { Page } from './page.ts';
import type { ApiRequest } from './requests.ts';
import { setIn } from './template.ts';

/** A reader of archives takes so many members without being told that there may be more. */
const MEMBERS_PER_OBJECT = 5000;

export interface LandingOptions {
  sink: ExtractSink;
  dataset: string;
  format: 'json' | 'ndjson' | 'csv';
  /** The object lists everything there is. */
  complete: boolean;
  /** Several objects may be made. */
  divides: boolean;
  begun: boolean;
  objects: number;
  members: number;
}

export class Landing {
  readonly #options: LandingOptions;
  /** A line for each page: where it came from. Kept with the next checkpoint. */
  #log: string[] = [];
  begun: boolean;
  /** That were ended. */
  objects: number;
  members: number;

  constructor(options: LandingOptions) {
    this.#options = options;
    this.begun = options.begun;
    this.objects = options.objects;
    this.members = options.members;
  }

  /** `number`: of the page in its list, from 1. */
  async page(list: List, number: number, page: Page, request: ApiRequest): Promise<void> {
    const { format, divides, sink, dataset } = this.#options;
    if (divides && this.members >= MEMBERS_PER_OBJECT) {
      await this.#end();
      await sink.cut(dataset);
      this.objects++;
      this.begun = false;
      this.members = 0;
    }
    const name = `${folderOf(list.own)}${String(number).padStart(6, '0')}.${format}`;
    this.#log.push(lineOf(name, page, request));
    await this.#write(name, list.envelope ? enveloped(page.body, list.envelope) : page.body, page.at);
  }

  /** A page that says that there is nothing: an object without members would be a broken one. */
  async nothing(page: Page | undefined, records: readonly string[], now: number): Promise<void> {
    const { format } = this.#options;
    // With an envelope the records are within `page`.
    const body: Record<string, unknown> = {};
    if (records.length > 0) setIn(body, records, []);
    const made = Buffer.from(format !== 'json' ? '' : JSON.stringify(records.length > 0 ? body : []));
    await this.#write(`000001.${format}`, page?.body ?? made, page?.at ?? now);
  }

  /** Before a checkpoint. */
  async flush(): Promise<void> {
    if (!this.begun || this.#log.length === 0) return;
    const lines = Buffer.from(this.#log.join(''));
    this.#log = [];
    await this.#write(`requests_${String(this.members + 1).padStart(6, '0')}.log`, lines, Date.now());
  }

  /** Ends the archive. */
  async end(): Promise<void> {
    if (this.begun) await this.#end();
  }

  async #end(): Promise<void> {
    await this.flush();
    await this.#options.sink.write(this.#options.dataset, ARCHIVE_END);
  }

  async #write(name: string, bytes: Uint8Array, at: number): Promise<void> {
    const { sink, dataset, complete } = this.#options;
    if (!this.begun) await sink.open(dataset, { ending: '.tar', complete });
    this.begun = true;
    this.members++;
    await sink.write(dataset, archiveMember(name, bytes, at));
  }
}

/** The page itself is not changed. */
function enveloped(body: Buffer, parameters: Record<string, string>): Buffer {
  const hasMark = body.length >= 3 && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  return Buffer.concat([
    Buffer.from(`{"${WITH}":${JSON.stringify(parameters)},"${PAGE}":`),
    hasMark ? body.subarray(3) : body,
    Buffer.from('}'),
  ]);
}

function lineOf(member: string, { headers, body, at }: Page, { method, url }: ApiRequest): string {
  const told = {
    member,
    method,
    url: redact(url.pathname + url.search),
    at: new Date(at).toISOString(),
    bytes: body.length,
  };
  const { etag, 'last-modified': modified } = headers;
  return `${JSON.stringify({ ...told, ...(etag !== undefined && { etag }), ...(modified !== undefined && { last_modified: modified }) })}\n`;
}

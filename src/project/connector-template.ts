/** The files of `granary add connector`: a connector that works as it is, and its test. Pure. */

/** Texts by path relative to the project folder. `type` is a legal name. */
export function connectorTemplate(type: string): Record<string, string> {
  return {
    [`connectors/${type}.ts`]: CONNECTOR.replaceAll('TYPE', type),
    [`connectors/${type}.test.ts`]: TEST.replaceAll('TYPE', type),
  };
}

const CONNECTOR = `/** Reads the records of a small list. Put in its place where your records are; the comments say what Granary relies on. */
import {
  defineConnector,
  type Extracted,
  type ExtractRequest,
  type ExtractSink,
  type ExtractSource,
  GranaryError,
  type Infer,
  type Offer,
  type Proposal,
  s,
} from 'granary/connector';

/** Settings of the connector: \`connector: { type: TYPE, first: 2 }\`. Secrets are marked with \`secret: true\`. */
const spec = s.object(
  { first: s.integer({ doc: 'Number of the first record that is read.', default: 1, min: 1 }) },
  { doc: 'Reads the records of a small list.' },
);

/** What one dataset reads: \`read: notes\`. */
const read = s.object(
  { list: s.text({ doc: 'Name of the list.', example: 'notes' }) },
  {
    doc: 'The list that is read.',
    shorthand: { label: 'name of a list', schema: { type: 'string' }, expand: (list) => ({ list }) },
  },
);

type Config = Infer<typeof spec>;
type Read = Infer<typeof read>;

interface Note {
  id: number;
  text: string;
  written_at: string;
}

const LISTS: Record<string, Note[]> = {
  notes: [
    { id: 1, text: 'Milk is out', written_at: '2026-11-19 08:00:00' },
    { id: 2, text: 'The till of store 4 was closed early', written_at: '2026-11-19 18:31:00' },
    { id: 3, text: 'Inventory on Friday', written_at: '2026-11-20 07:45:00' },
    { id: 4, text: 'Grüße aus Köln', written_at: '2026-11-20 09:10:00' },
    { id: 5, text: 'Two parcels came open', written_at: '2026-11-20 11:02:00' },
  ],
};

/** A checkpoint costs a write to the disk: thousands of records apart where there are many. */
const CHECKPOINT_EVERY = 2;

class ListSource implements ExtractSource<Read> {
  readonly #config: Config;

  constructor(config: Config) {
    this.#config = config;
  }

  /** Everything after \`position\`; \`progress\` is what the last checkpoint of an extraction said that was broken off. */
  async extract(request: ExtractRequest<Read>, sink: ExtractSink): Promise<Extracted> {
    const [dataset] = request.datasets;
    const { list } = dataset!.read;
    const notes = LISTS[list];
    if (!notes)
      throw new GranaryError('connector.not_found', \`There is no list "\${list}".\`, {
        hint: \`There are: \${Object.keys(LISTS).join(', ')}.\`,
      });
    const start = Number(request.position?.['after'] ?? this.#config.first - 1);
    let after = Number(request.progress?.['after'] ?? start);
    let rows = Number(request.progress?.['rows'] ?? 0);
    request.signal?.throwIfAborted();
    for (const note of notes.filter(({ id }) => id > after)) {
      request.signal?.throwIfAborted();
      await sink.open(dataset!.name, { ending: '.ndjson' });
      await sink.write(dataset!.name, Buffer.from(\`\${JSON.stringify(note)}\\n\`));
      after = note.id;
      rows++;
      request.progressed(rows, undefined, 'rows');
      if (rows % CHECKPOINT_EVERY === 0) await sink.checkpoint({ after, rows });
    }
    // The books compare the rows that are declared with those that came.
    return { position: { after }, more: false, declared: { [dataset!.name]: { rows } } };
  }

  /** For \`granary discover\`. */
  async *offers(): AsyncGenerator<Offer> {
    for (const [list, notes] of Object.entries(LISTS))
      yield { name: list, kind: 'list', rows: notes.length, read: list };
  }

  async propose(offer: Offer): Promise<Proposal> {
    return {
      columns: [
        { name: 'id', from: 'id', type: 'bigint', required: true },
        { name: 'text', from: 'text', type: 'text', required: false },
        { name: 'written_at', from: 'written_at', type: 'timestamp', required: true },
      ],
      key: ['id'],
      read: offer.read,
      load: undefined,
      notes: [],
    };
  }

  async close(): Promise<void> {}
}

export default defineConnector({
  kind: 'extracts',
  title: 'TYPE',
  spec,
  read,
  /** How the bytes that \`extract\` writes are read again, and how the rows enter the table where the dataset does not say. */
  describe: () => ({ unpack: [], format: { type: 'ndjson' }, load: { strategy: 'merge', key: ['id'] } }),
  open: async (config) => new ListSource(config),
});
`;

const TEST = `/** The connector keeps what Granary relies on. */
import { connectorContract } from 'granary/connector/testing';
import connector from './TYPE.ts';

connectorContract('TYPE', {
  connector,
  config: { first: 1 },
  read: 'notes',
});
`;

/** Open connections to sources, one per source, opened on first use. */
import { GranaryError } from '../lib/errors.ts';
import type { FileSource } from '../ports/connector.ts';
import type { ExtractSource } from '../ports/extract.ts';
import type { Project } from '../project/project.ts';
import { catalogOf } from './project-catalog.ts';

type Open = { kind: 'files'; source: FileSource } | { kind: 'extracts'; source: ExtractSource<unknown> };

export class Connections {
  private readonly open = new Map<string, Promise<Open>>();
  private readonly project: Project;
  private readonly signal: AbortSignal | undefined;

  constructor(project: Project, signal?: AbortSignal) {
    this.project = project;
    this.signal = signal;
  }

  /** Errors: those of the connector. A connection that could not be opened is tried again the next time. */
  async files(source: string): Promise<FileSource> {
    const opened = await this.get(source);
    if (opened.kind === 'files') return opened.source;
    throw new GranaryError('stage.bad_input', `Source ${source} has no files.`);
  }

  /** As `files`, for sources without files. */
  async extracts(source: string): Promise<ExtractSource<unknown>> {
    const opened = await this.get(source);
    if (opened.kind === 'extracts') return opened.source;
    throw new GranaryError('stage.bad_input', `Source ${source} has files, and nothing to extract.`);
  }

  private get(source: string): Promise<Open> {
    const known = this.open.get(source);
    if (known) return known;
    const { type, ...config } = this.project.sources.get(source)!.config.connector;
    const opening = this.connect(source, type, config);
    this.open.set(source, opening);
    opening.catch(() => this.open.delete(source));
    return opening;
  }

  private async connect(source: string, type: string, config: Record<string, unknown>): Promise<Open> {
    const connector = (await catalogOf(this.project.dir)).connectors.get(type)!;
    const { dir, dataDir } = this.project;
    const context = { projectDir: dir, dataDir, source, ...(this.signal && { signal: this.signal }) };
    if (connector.kind === 'files') return { kind: 'files', source: await connector.open(config, context) };
    return { kind: 'extracts', source: await connector.open(config, context) };
  }

  /** Forgets a connection that broke, so that the next use opens a new one. */
  async drop(source: string): Promise<void> {
    const known = this.open.get(source);
    this.open.delete(source);
    if (known) await known.then((c) => c.source.close()).catch(() => undefined);
  }

  async close(): Promise<void> {
    await Promise.all([...this.open.keys()].map((source) => this.drop(source)));
  }
}

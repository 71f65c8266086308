/** Open connections to sources, one per source, opened on first use. */
import type { FileSource } from '../ports/connector.ts';
import type { Project } from '../project/project.ts';
import { CONNECTOR_BY_TYPE } from './catalog.ts';

export class Connections {
  private readonly open = new Map<string, Promise<FileSource>>();
  private readonly project: Project;
  private readonly signal: AbortSignal | undefined;

  constructor(project: Project, signal?: AbortSignal) {
    this.project = project;
    this.signal = signal;
  }

  /** Errors: those of the connector. A connection that could not be opened is tried again the next time. */
  get(source: string): Promise<FileSource> {
    const known = this.open.get(source);
    if (known) return known;
    const { type, ...config } = this.project.sources.get(source)!.config.connector;
    const opening = CONNECTOR_BY_TYPE.get(type)!.open(config, {
      projectDir: this.project.dir,
      ...(this.signal && { signal: this.signal }),
    });
    this.open.set(source, opening);
    opening.catch(() => this.open.delete(source));
    return opening;
  }

  /** Forgets a connection that broke, so that the next use opens a new one. */
  async drop(source: string): Promise<void> {
    const known = this.open.get(source);
    this.open.delete(source);
    if (known) await known.then((c) => c.close()).catch(() => undefined);
  }

  async close(): Promise<void> {
    await Promise.all([...this.open.keys()].map((source) => this.drop(source)));
  }
}

/** Tries a source's connection: opens it, lists what its datasets would take, and says what it saw. */
import { asGranaryError, type SerializedError } from '../lib/errors.ts';
import { redact } from '../lib/redact.ts';
import type { FileSource } from '../ports/connector.ts';
import type { ExtractSource } from '../ports/extract.ts';
import { compileNamePattern, type NamePattern } from '../project/name-pattern.ts';
import type { Project, Source } from '../project/project.ts';
import { catalogOf } from './project-catalog.ts';

export interface Probe {
  source: string;
  connector: string;
  /** Milliseconds until the connection was open. */
  openMs: number;
  /** Milliseconds of the listings. */
  listMs: number;
  /** Files seen, or tables, endpoints and the like; at most `MOST`. */
  files: number;
  /** Files that a dataset takes, by dataset. */
  datasets: Record<string, number>;
  error?: SerializedError;
}

const MOST = 20_000;

/** Never throws: what went wrong is in `error`. */
export async function probe(source: Source, project: Project, signal?: AbortSignal): Promise<Probe> {
  const { type, ...config } = source.config.connector;
  const out: Probe = { source: source.name, connector: type, openMs: 0, listMs: 0, files: 0, datasets: {} };
  const started = performance.now();
  let connection: FileSource | ExtractSource<unknown> | undefined;
  try {
    const context = { projectDir: project.dir, dataDir: project.dataDir, ...(signal && { signal }) };
    const connector = (await catalogOf(project.dir)).connectors.get(type)!;
    const opened = await connector.open(config, context);
    connection = opened;
    out.openMs = performance.now() - started;
    if (connector.kind === 'files') await look(opened as FileSource, source, out);
    else await browse(opened as ExtractSource<unknown>, source, out);
    out.listMs = performance.now() - started - out.openMs;
  } catch (e) {
    const error = asGranaryError(e).toJSON();
    out.error = { ...error, message: redact(error.message) };
  } finally {
    await connection?.close().catch(() => undefined);
  }
  return out;
}

async function browse(connection: ExtractSource<unknown>, source: Source, out: Probe): Promise<void> {
  for (const name of source.datasets.keys()) out.datasets[name] = 1;
  for await (const _ of connection.offers()) if (++out.files >= MOST) return;
}

async function look(connection: FileSource, source: Source, out: Probe): Promise<void> {
  const patterns = new Map<string, NamePattern>();
  for (const d of source.datasets.values())
    if (d.config.files !== undefined) patterns.set(d.name, compileNamePattern(d.config.files));
  for (const name of patterns.keys()) out.datasets[name] = 0;
  const folders = new Map<string, number>(patterns.size === 0 ? [['', 0]] : []);
  for (const p of patterns.values()) folders.set(p.folder, Math.max(p.depth, folders.get(p.folder) ?? 0));
  const seen = new Set<string>();
  for (const [folder, depth] of folders) {
    for await (const { path } of connection.list({ folder, depth })) {
      if (seen.size >= MOST) return;
      if (seen.has(path)) continue;
      seen.add(path);
      out.files++;
      for (const [name, pattern] of patterns)
        if (pattern.match(path)) out.datasets[name] = (out.datasets[name] ?? 0) + 1;
    }
  }
}

/** Whether a file at the source is completely written. Pure. */
import type { SightingDoc } from '../../model/objects.ts';
import type { RemoteFile } from '../../ports/connector.ts';
import type { DatasetConfig } from '../../project/specs/dataset.ts';

export type Readiness =
  | { ready: true }
  | {
      ready: false;
      reason: string;
      sighting?: Omit<SightingDoc, 'id'> /** Milliseconds until it may be. */;
      inMs?: number;
    };

const UNFINISHED =
  /(^|\/)(\.[^/]*|~[^/]*|[^/]*\.(tmp|temp|part|partial|filepart|crdownload|uploading|writing|swp|lck|lock))$/i;

/** Names that writers give to files they have not finished: `.part`, `.tmp`, hidden files and the like. */
export function isUnfinishedName(path: string): boolean {
  return UNFINISHED.test(path);
}

/** Paths of the files that must lie beside `path`, by what they are. */
export function companions(
  path: string,
  config: DatasetConfig,
): { marker?: string; checksum?: string; control?: string } {
  const slash = path.lastIndexOf('/') + 1;
  const beside = (template: string) =>
    path.slice(0, slash) +
    template.replaceAll('{name}', path.slice(slash)).replaceAll('{stem}', path.slice(slash).split('.')[0]!);
  return {
    ...(config.ready.rule === 'marker' && { marker: beside(config.ready.marker) }),
    ...(config.verify.checksum && { checksum: beside(config.verify.checksum.file) }),
    ...(config.verify.control_file && { control: beside(config.verify.control_file.file) }),
  };
}

/**
 * `stable` needs two looks at the same size and time that are `stable_for` apart; a modification time that the server says is that
 * old counts as the first look, since writing moves it. `present` holds the paths that were listed.
 */
export function readiness(
  file: RemoteFile,
  config: DatasetConfig,
  present: ReadonlySet<string>,
  sighting: SightingDoc | undefined,
  now: number,
): Readiness {
  for (const [what, path] of Object.entries(companions(file.path, config))) {
    if (!present.has(path))
      return { ready: false, reason: `its ${what === 'control' ? 'control file' : what} ${path} is not there yet` };
  }
  if (config.ready.rule !== 'stable') return { ready: true };
  const wait = config.ready.stable_for * 1000;
  const seen = { bytes: file.bytes ?? null, modifiedAt: file.modifiedAt ?? null };
  const unchanged = sighting && sighting.bytes === seen.bytes && sighting.modifiedAt === seen.modifiedAt;
  const since = unchanged
    ? Date.parse(sighting.since)
    : Math.min(now, file.modifiedAt ? Date.parse(file.modifiedAt) : now);
  if (now - since >= wait) return { ready: true };
  const left = Math.ceil((wait - (now - since)) / 1000);
  return {
    ready: false,
    reason: `it changed ${Math.max(0, Math.round((now - since) / 1000))} s ago; taken when unchanged for ${config.ready.stable_for} s, in ${left} s`,
    inMs: wait - (now - since),
    sighting: { ...seen, since: new Date(since).toISOString() },
  };
}

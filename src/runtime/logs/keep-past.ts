/** Log files of the past: compressed, copied into the object store, and removed when their time is over. Repeating it changes nothing. */
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import { asGranaryError, type GranaryError } from '../../lib/errors.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { LogsConfig } from '../../project/specs/logs.ts';
import { ARCHIVE, archiveKey, type PastFile, pastFile } from './names.ts';

export interface PastOptions {
  folder: string;
  config: LogsConfig;
  /** Milliseconds since 1970. */
  now: number;
  objects: ObjectStore | undefined;
}

/** Does what it can; returns the first problem. */
export async function keepPast(options: PastOptions): Promise<GranaryError | undefined> {
  const { folder, config, now, objects } = options;
  let problem: GranaryError | undefined;
  const attempt = async (act: () => Promise<void>) => {
    try {
      await act();
    } catch (e) {
      problem ??= asGranaryError(e);
    }
  };
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.endsWith(UNFINISHED)) await attempt(() => rm(join(folder, name), { force: true }));
    const file = pastFile(name);
    if (file) await attempt(() => keep(file, options));
  }
  const oldest = now - config.keep_archive * 1000;
  await attempt(async () => {
    for await (const { key } of objects?.list(ARCHIVE) ?? []) {
      const file = pastFile(key.split('/').at(-1)!);
      if (file && file.begun < oldest) await objects!.remove(key);
    }
  });
  return problem;
}

const UNFINISHED = '.part';

async function keep(file: PastFile, { folder, config, now, objects }: PastOptions): Promise<void> {
  const done = file.compressed ? file : await compress(folder, file);
  const archives = config.archive && done.begun >= now - config.keep_archive * 1000;
  if (archives && objects && !(await objects.head(archiveKey(done))))
    await objects.put(archiveKey(done), await readFile(join(folder, done.name)), { replace: true });
  if (done.begun < now - config.keep * 1000) await rm(join(folder, done.name), { force: true });
}

async function compress(folder: string, file: PastFile): Promise<PastFile> {
  const from = join(folder, file.name);
  const name = `${file.name}.zst`;
  const part = join(folder, `${name}${UNFINISHED}`);
  await pipeline(createReadStream(from), createZstdCompress(), createWriteStream(part));
  await rename(part, join(folder, name));
  await rm(from, { force: true });
  return { ...file, name, compressed: true };
}

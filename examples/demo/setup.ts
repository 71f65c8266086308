/** The folder of a demo: the project as it stands beside this file, secrets made for it, and the folders of its sources. */
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { projectSecrets } from '../../src/runtime/secrets.ts';
import { type FtpServer, startFtpServer } from './ftp-server.ts';
import type { Delivery } from './generate/deliveries.ts';
import { FOLDERS } from './generate/two-weeks.ts';

export const SECRETS = {
  FTP_PASSWORD: 'rye-and-barley',
  CRM_PASSPHRASE: 'harvest moon over the lake',
  MASK_KEY: 'a key that only this demo has',
} as const;

const FTP_USER = 'granary';
/** What the project falls back to, so that commands typed later find the server of `--keep`. */
const FTP_PORT = 2121;

/** An empty project folder. One that another demo has left is removed; anything else is left alone. */
export async function makeFolder(dir: string): Promise<void> {
  if (existsSync(dir)) {
    const project = await readFile(join(dir, 'granary.yaml'), 'utf8').catch(() => '');
    if (!/^name: marlow$/m.test(project))
      throw new Error(`${dir} is there and is no demo: choose another folder with --dir.`);
    await rm(dir, { recursive: true });
  }
  await cp(join(import.meta.dirname, 'project'), dir, { recursive: true });
  for (const folder of Object.values(FOLDERS)) await mkdir(join(dir, folder), { recursive: true });
  const secrets = projectSecrets(dir);
  await secrets.makeKey();
  for (const [name, value] of Object.entries(SECRETS)) await secrets.set(name, value);
}

export async function deliver(delivery: Delivery, dir: string): Promise<void> {
  for (const { path, bytes } of delivery.write) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), bytes);
  }
  for (const path of delivery.remove) await rm(join(dir, path));
}

/** Serves the demo's server folder. The project learns the port from the environment of this process. */
export async function serve(dir: string): Promise<FtpServer> {
  const options = { root: join(dir, 'server'), user: FTP_USER, password: SECRETS.FTP_PASSWORD };
  const server = await startFtpServer({ ...options, port: FTP_PORT }).catch((e: NodeJS.ErrnoException) => {
    if (e.code !== 'EADDRINUSE') throw e;
    return startFtpServer({ ...options, port: 0 });
  });
  process.env.DEMO_FTP_PORT = String(server.port);
  return server;
}

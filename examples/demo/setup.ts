/** What the demo stands on: the project as it is beside this file, secrets made for it, the folders of its sources, and two servers. */
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectSecrets } from '../../src/runtime/secrets.ts';
import { type FtpServer, startFtpServer } from './ftp-server.ts';
import type { Delivery } from './generate/deliveries.ts';
import { FOLDERS } from './generate/two-weeks.ts';
import { type MailCatcher, startMailCatcher } from './mail/catcher.ts';

export const SECRETS = {
  FTP_PASSWORD: 'rye-and-barley',
  CRM_PASSPHRASE: 'harvest moon over the lake',
  MASK_KEY: 'a key that only this demo has',
} as const;

const FTP_USER = 'granary';
/** What the project falls back to, so that commands typed later find the servers of `--keep`. */
const FTP_PORT = 2121;
const SMTP_PORT = 2525;

export interface Servers {
  ftp: FtpServer;
  mail: MailCatcher;
  close(): Promise<void>;
}

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

/** Each file appears at once and whole. */
export async function deliver(delivery: Delivery, dir: string): Promise<void> {
  const hidden = join(dir, '.on-its-way');
  for (const { path, bytes } of delivery.write) {
    await writeFile(hidden, bytes);
    await rename(hidden, join(dir, path));
  }
  for (const path of delivery.remove) await rm(join(dir, path));
}

/** Serves `server/` by FTP and takes mail into `mail/`. The project learns the ports from the environment of this process. */
export async function serve(dir: string): Promise<Servers> {
  const user = { user: FTP_USER, password: SECRETS.FTP_PASSWORD };
  const ftp = await onPort(FTP_PORT, (port) => startFtpServer({ ...user, root: join(dir, 'server'), port }));
  const mail = await onPort(SMTP_PORT, (port) => startMailCatcher({ folder: join(dir, 'mail'), port })).catch(
    async (e) => {
      await ftp.close();
      throw e;
    },
  );
  process.env.DEMO_FTP_PORT = String(ftp.port);
  process.env.DEMO_SMTP_PORT = String(mail.port);
  const close = async () => void (await Promise.all([ftp.close(), mail.close()]));
  return { ftp, mail, close };
}

/** Any other port when that one is taken. */
function onPort<T>(port: number, start: (port: number) => Promise<T>): Promise<T> {
  return start(port).catch((e: NodeJS.ErrnoException) => {
    if (e.code !== 'EADDRINUSE') throw e;
    return start(0);
  });
}

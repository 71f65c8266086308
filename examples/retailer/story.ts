/** Four servers, a company, and three runs: what `try.ts` tells and the test compares. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { projectSecrets } from '../../src/runtime/secrets.ts';
import { mariaDbMissing, startMariaDb } from '../../test/servers/mariadb.ts';
import { proftpdMissing, startFtpServer } from '../../test/servers/proftpd.ts';
import { type Changes, change } from './generate/changes.ts';
import { type Company, makeCompany, type TillDay } from './generate/company.ts';
import { expectedOf, type Rows } from './generate/expected.ts';
import { cutOffDocumentOf, documentOf, fileName } from './generate/pos-xml.ts';
import { QUESTIONS, type Question } from './questions.ts';
import { startCrm } from './servers/crm.ts';
import { changeShop, changeWarehouse, fillShop, fillWarehouse } from './servers/databases.ts';

const BINARY = join(import.meta.dirname, '../../bin/granary.js');
const PROJECT = ['granary.yaml', 'sources'];
const READER = 'reader';
const PASSWORD = 'oats & barley, 7 %';
const CRM_TOKEN = 'a token that only this example has';
const MASK_KEY = 'a key that only this example has';
const SEED = 20261127;

export interface Answer {
  question: Question;
  expected: Rows;
  found: Rows;
}

export interface Chapter {
  title: string;
  /** What `granary run` printed. */
  said: string;
  answers: Answer[];
}

export interface Story {
  chapters: Chapter[];
  /** Answers of the CRM, by status. */
  crm: ReadonlyMap<number, number>;
  /** What another command prints, such as `['books', '--json']`. */
  ask(...words: string[]): Promise<string>;
}

/** The programs that are not there, and what installs them; false when all are. */
export const serversMissing = (): string | false => {
  const missing = [mariaDbMissing(), proftpdMissing()].filter((m) => m !== false);
  return missing.length > 0 && missing.join('; ');
};

/** Makes a project in `dir`, which stays; the servers have ended when it returns. Fails when a command does, and when `signal` says so. */
export async function tell(dir: string, print: (text: string) => void, signal?: AbortSignal): Promise<Story> {
  await using rooms = new AsyncDisposableStack();
  const company = makeCompany(SEED, new Date());
  print('Starting two MariaDB servers, an FTP server and a CRM.');
  const shop = await startMariaDb({ tls: false });
  rooms.defer(() => shop.stop());
  const warehouse = await startMariaDb({ tls: false });
  rooms.defer(() => warehouse.stop());
  const ftp = await startFtpServer('none');
  rooms.defer(() => ftp.stop());
  const crm = await startCrm(company.contacts, CRM_TOKEN);
  rooms.defer(() => crm.close());
  signal?.throwIfAborted();
  await fillShop(shop, company, PASSWORD);
  await fillWarehouse(warehouse, company, PASSWORD);
  const deliver = (till: TillDay, document = documentOf) => upload(ftp.files, till, document(till));
  for (const till of company.tills) await deliver(till);
  for (const part of PROJECT) await cp(join(import.meta.dirname, part), join(dir, part), { recursive: true });
  const secrets = projectSecrets(dir);
  await secrets.makeKey();
  const passwords = { SHOP_DB_PASSWORD: PASSWORD, WAREHOUSE_DB_PASSWORD: PASSWORD, POS_PASSWORD: ftp.password };
  for (const [name, value] of Object.entries({ ...passwords, CRM_TOKEN, MASK_KEY })) await secrets.set(name, value);

  const host = '127.0.0.1';
  const granary = commandsIn(
    dir,
    {
      ...{ SHOP_DB_HOST: host, SHOP_DB_PORT: String(shop.port), SHOP_DB_USER: READER },
      ...{ WAREHOUSE_DB_HOST: host, WAREHOUSE_DB_PORT: String(warehouse.port), WAREHOUSE_DB_USER: READER },
      ...{ POS_HOST: host, POS_PORT: String(ftp.port), POS_USER: ftp.user, CRM_URL: crm.url, GRANARY_ENV: 'try' },
    },
    signal,
  );
  const ask = async (...words: string[]) => (await granary(...words)).stdout;
  const story: Story = { chapters: [], crm: crm.answered, ask };
  const chapter = async (title: string, ...names: Question['name'][]) =>
    story.chapters.push(await runAndAsk(title, names, granary, company, print));

  print(await ask('check'));
  await chapter('The first run: everything there is', 'tables', 'revenue');
  print(await ask('rejects'));
  const changes = change(company, new Date());
  await apply(changes);
  await chapter('The second run: what has changed, and what is gone', 'tables', 'revenue', 'missing', 'strangers');
  company.tills.push(changes.cutOff);
  await deliver(changes.cutOff);
  await chapter('The third run: the file that was cut off is sent again', 'tables', 'revenue');
  print('\nThe books of all runs\n');
  print(await ask('books'));
  return story;

  async function apply(made: Changes): Promise<void> {
    await changeShop(shop, company, made);
    await changeWarehouse(warehouse, made);
    for (const till of made.files) await deliver(till);
    await deliver(made.cutOff, cutOffDocumentOf);
    crm.refuseNextPage();
  }
}

async function runAndAsk(
  title: string,
  names: readonly Question['name'][],
  granary: Commands,
  company: Company,
  print: (text: string) => void,
): Promise<Chapter> {
  print(`\n${title}\n`);
  const run = await granary('run');
  print(run.stdout);
  const wanted = expectedOf(company);
  const answers: Answer[] = [];
  for (const question of QUESTIONS.filter(({ name }) => names.includes(name))) {
    const csv = (await granary('query', question.sql, '--format', 'csv')).stdout.trimEnd();
    const [, ...rows] = csv.split('\n');
    const answer = { question, expected: wanted[question.name], found: rows.map((row) => row.split(',')) };
    answers.push(answer);
    print(
      `\n${question.title}\n${csv}\n${isRight(answer) ? '✓ as the generator counts' : '✗ the generator counts otherwise'}`,
    );
  }
  return { title, said: run.stdout, answers };
}

export const isRight = ({ expected, found }: Answer): boolean => JSON.stringify(expected) === JSON.stringify(found);

type Commands = (...words: string[]) => Promise<{ stdout: string }>;

/** Runs `granary` in a project, with nothing but these variables. */
function commandsIn(dir: string, variables: Record<string, string>, signal: AbortSignal | undefined): Commands {
  return async (...words) => {
    const env = { PATH: process.env['PATH'], HOME: dir, ...variables };
    signal?.throwIfAborted();
    const child = spawn(process.execPath, [BINARY, ...words], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = () => child.kill('SIGTERM');
    signal?.addEventListener('abort', end);
    const [stdout, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    signal?.removeEventListener('abort', end);
    signal?.throwIfAborted();
    if (code !== 0) throw new Error(`granary ${words.join(' ')} ended with ${code}: ${errors}${stdout}`);
    return { stdout };
  };
}

/** A file appears at once and whole, even if what is in it is not. */
async function upload(folder: string, till: TillDay, document: string): Promise<void> {
  const path = join(folder, fileName(till));
  await writeFile(`${path}.part`, document);
  await rename(`${path}.part`, path);
}

/** `node examples/retailer/try.ts [folder]`: the example on servers of its own, from the first run to answers that are checked. */
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isRight, serversMissing, tell } from './story.ts';

const say = (text: string) => void process.stdout.write(`${text.trimEnd()}\n`);
const complain = (text: string) => {
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
};

// Ctrl-C ends the servers, and takes their folders away.
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());

const [given] = process.argv.slice(2);
const missing = serversMissing();
if (missing) complain(`This example starts real servers. ${missing}`);
else if (given !== undefined && existsSync(resolve(given))) complain(`${given} is there already: give another folder.`);
else {
  const dir = given === undefined ? await mkdtemp(join(tmpdir(), 'granary-retailer-')) : resolve(given);
  await tryIn(dir).catch((e: unknown) => {
    if (!stopped.signal.aborted) throw e;
    complain('Stopped.');
  });
}

async function tryIn(dir: string): Promise<void> {
  const { chapters } = await tell(dir, say, stopped.signal);
  const wrong = chapters.flatMap(({ title, answers }) =>
    answers
      .filter((answer) => !isRight(answer))
      .map(
        ({ question, expected, found }) =>
          `${title}: "${question.title}": expected\n${expected.join('\n')}\nfound\n${found.join('\n')}`,
      ),
  );
  if (wrong.length > 0) complain(wrong.join('\n'));
  else say(`\nAll answers are as the generator counts. The project is in ${dir}; its servers have ended.`);
}

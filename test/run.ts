/**
 * Runs the tests: the quick ones, or with `--all` the slow ones (`*.slow.test.ts`) too. Words after that choose files by a part of their path.
 * The last line is `N passed, N failed, N skipped`. With CI set a skipped test is a failure. `CHECK=failed` counts as a failed test: of what was
 * checked before.
 */
import { globSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const args = process.argv.slice(2);
const all = args.includes('--all');
const only = args.includes('--slow');
const words = args.filter((a) => !a.startsWith('--'));
const isSlow = (file: string) => file.endsWith('.slow.test.ts');
const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'tidy.test.ts'])
  .filter((f) => (isSlow(f) ? all || only : !only))
  .filter((f) => words.length === 0 || words.some((w) => f.includes(w)))
  // The slow ones first, so that none is alone at the end.
  .sort((a, b) => Number(isSlow(b)) - Number(isSlow(a)) || (a < b ? -1 : 1));

const counts = { passed: 0, failed: 0, skipped: 0 };
const skipped: string[] = [];
// Most of them wait most of the time: for servers, disks, and processes that are killed.
const stream = run({ files, concurrency: 3, timeout: all || only ? 1_800_000 : 300_000 });
stream.on('test:pass', (e) => {
  if (e.skip !== undefined && e.skip !== false) {
    counts.skipped++;
    skipped.push(`${e.name}${typeof e.skip === 'string' ? ` (${e.skip})` : ''}`);
  } else if (e.details.type !== 'suite') counts.passed++;
});
stream.on('test:fail', (e) => {
  if (e.details.type !== 'suite') counts.failed++;
});
stream.compose(spec).pipe(process.stdout);
stream.on('end', () => {
  process.stdout.once('drain', () => undefined);
  setImmediate(() => {
    if (process.env['CHECK'] === 'failed') {
      counts.failed++;
      console.log('failed: npm run check (see above)');
    }
    for (const name of skipped) console.log(`skipped: ${name}`);
    console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
    const failed = counts.failed > 0 || counts.passed === 0 || (process.env['CI'] !== undefined && counts.skipped > 0);
    process.exitCode = failed ? 1 : 0;
  });
});

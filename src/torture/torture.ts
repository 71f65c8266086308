/**
 * Runs a project's pipelines under random kills, cut connections and a full disk, each time from an empty data directory, and
 * compares every table and the books with those of an undisturbed run.
 */
import { join } from 'node:path';
import { GranaryError } from '../lib/errors.ts';
import type { Project } from '../project/project.ts';
import { type Child, childrenOf, startRun, stillRuns } from './children.ts';
import { copyProject, refuseDamage } from './copy.ts';
import { differences, type Fingerprint, fingerprintOf } from './fingerprint.ts';
import { fullDisk } from './full-disk.ts';

export interface TortureOptions {
  project: Project;
  program: string;
  /** An empty folder for the copies. */
  folder: string;
  /** How many kills must hit a running process. */
  kills: number;
  /** Also reset connections at random moments. */
  cuts: boolean;
  /** Also let the disk run full once. Needs the right to mount. */
  disk: boolean;
  seed: number;
  onProgress(text: string): void;
  signal: AbortSignal;
}

export interface TortureReport {
  seed: number;
  kills: number;
  /** Of them: workers, not the owner. */
  workersKilled: number;
  /** Full passes from an empty data directory. */
  rounds: number;
  /** Milliseconds of the undisturbed run. */
  undisturbedMs: number;
  rows: number;
  tables: number;
  /** What was not done, and why. */
  left: string[];
  /** Empty: everything is equal. */
  differences: string[];
}

/** Kills in one pass, before it may end. */
const KILLS_A_ROUND = 8;
/** Shortest time to the first kill: before that a process has only begun to start. */
const STARTING_MS = 150;
const CUT_EVERY_MS = 700;
/** A pass that was disturbed may need more than one undisturbed run: what gave up is tried again by the next. */
const COMPLETIONS = 3;

export async function torture(options: TortureOptions): Promise<TortureReport> {
  const { project, folder, seed, onProgress } = options;
  refuseDamage(project);
  const random = generator(seed);
  const calm = join(folder, 'undisturbed');
  await copyProject(project, calm);
  const began = performance.now();
  await complete(calm, options);
  const undisturbedMs = Math.round(performance.now() - began);
  const expected = await fingerprintOf(within(calm, options));
  onProgress(
    `undisturbed run: ${undisturbedMs} ms, ${expected.rows} rows in ${Object.keys(expected.tables).length} tables`,
  );
  const report: TortureReport = {
    seed,
    kills: 0,
    workersKilled: 0,
    rounds: 0,
    undisturbedMs,
    rows: expected.rows,
    tables: Object.keys(expected.tables).length,
    left: [],
    differences: [],
  };
  // Kills are spread over the time that a run takes; one that comes too late does not count.
  let reach = undisturbedMs;
  while (report.kills < options.kills && report.differences.length === 0) {
    const dir = join(folder, `round-${report.rounds + 1}`);
    await copyProject(project, dir);
    for (let k = 0; k < KILLS_A_ROUND && report.kills < options.kills; k++) {
      options.signal.throwIfAborted();
      const hit = await killOnce(dir, reach, random, options);
      if (hit === 'late') {
        reach = Math.max(300, reach * 0.9);
        break;
      }
      report.kills++;
      if (hit === 'worker') report.workersKilled++;
    }
    await judge(dir, expected, report, options);
    onProgress(`${report.kills} of ${options.kills} kills, ${report.rounds} passes compared`);
  }
  if (options.disk && report.differences.length === 0) {
    const dir = join(folder, 'full-disk');
    await copyProject(project, dir);
    const why = await fullDisk(dir, (d) => startRun(childOptions(d, options)));
    if (why === undefined) await judge(dir, expected, report, options);
    else report.left.push(`full disk: ${why}`);
  }
  return report;
}

async function killOnce(
  dir: string,
  reach: number,
  random: () => number,
  options: TortureOptions,
): Promise<'owner' | 'worker' | 'late'> {
  const cuts = options.cuts ? `${CUT_EVERY_MS}:${Math.floor(random() * 1e9)}` : undefined;
  const child = startRun({ ...childOptions(dir, options), ...(cuts !== undefined && { cuts }) });
  if (!(await stillRuns(child, STARTING_MS + random() * reach))) return 'late';
  const [worker] = random() < 0.25 ? childrenOf(child.process.pid!) : [];
  process.kill(worker ?? child.process.pid!, 'SIGKILL');
  if (worker === undefined) await child.ended;
  else await endOf(child, options.signal);
  return worker === undefined ? 'owner' : 'worker';
}

async function endOf(child: Child, signal: AbortSignal): Promise<void> {
  const kill = () => child.process.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  await child.ended;
  signal.removeEventListener('abort', kill);
}

async function judge(
  dir: string,
  expected: Fingerprint,
  report: TortureReport,
  options: TortureOptions,
): Promise<void> {
  for (let n = 0; n < COMPLETIONS; n++) {
    await complete(dir, options);
    report.differences = differences(expected, await fingerprintOf(within(dir, options)));
    if (report.differences.length === 0) break;
  }
  report.rounds++;
}

/** A whole run without disturbance. Objects that fail by themselves do so undisturbed, too: that is no reason to stop. */
async function complete(dir: string, options: TortureOptions): Promise<void> {
  const child = startRun(childOptions(dir, options));
  await endOf(child, options.signal);
  options.signal.throwIfAborted();
  const { code, said } = await child.ended;
  if (code !== 0 && code !== 1)
    throw new GranaryError('torture.failed', `granary run ended with code ${code}: ${said.trim()}`);
}

function childOptions(dir: string, { program, project }: TortureOptions) {
  return { program, dir, environment: project.environment };
}

function within(dir: string, { project }: TortureOptions) {
  return { dir, ...(project.environment !== undefined && { environment: project.environment }) };
}

/** The same numbers for the same seed: a round that went wrong can be run again, as far as the machine's timing allows. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state / 2 ** 32;
  };
}

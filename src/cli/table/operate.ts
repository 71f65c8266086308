/** Commands of the section “Operate”: what runs by itself. */
import type { CommandSpec } from '../command.ts';
import { dataset } from './options.ts';

export const OPERATE: readonly CommandSpec[] = [
  {
    name: 'up',
    section: 'Operate',
    summary: 'Run everything by itself: schedules, arrivals, events, messages, the HTTP API',
    description: [
      'Stays in the foreground. Ctrl-C or SIGTERM stops it gracefully: attempts in flight end or are handed back, and the next start goes on. Nothing is lost either way, not even by kill -9.',
    ],
    options: {
      once: { doc: 'End when nothing runs, waits or is to be told' },
      grace: { value: 'duration', doc: 'How long attempts in flight may take to end; default: 30 s' },
    },
    examples: [
      { line: 'granary up', meaning: 'on a terminal; docs/guide/run-as-a-service.md has a unit for systemd' },
      { line: 'granary up --once', meaning: 'take up what is due now, and end' },
    ],
    load: () => import('../commands/up.ts'),
  },
  {
    name: 'status',
    section: 'Operate',
    summary: 'What runs, what comes next, and what needs attention',
    description: [
      'What is wrong comes first, each with the command that shows more. It works with and without `granary up`.',
    ],
    options: {
      all: { doc: 'All pipelines, also those that nothing starts' },
      health: { doc: 'Only whether it is ready to work: exit code 0 when it is, for probes' },
    },
    examples: [
      { line: 'granary status', meaning: 'a page to read at night' },
      { line: 'granary status --health', meaning: 'for the health check of a container' },
    ],
    load: () => import('../commands/status.ts'),
  },
  {
    name: 'pause',
    section: 'Operate',
    summary: 'Begin no more steps of pipelines',
    description: ['Steps in flight end. They stay paused until `granary resume`, also when the owner is started anew.'],
    arguments: [{ name: 'pipeline', doc: 'its name', many: true }],
    examples: [{ line: 'granary pause daily', meaning: 'while the vendor repairs its server' }],
    load: () => import('../commands/pause.ts'),
  },
  {
    name: 'resume',
    section: 'Operate',
    summary: 'Let paused pipelines go on',
    arguments: [{ name: 'pipeline', doc: 'its name', many: true }],
    examples: [{ line: 'granary resume daily', meaning: 'from where it was' }],
    load: () => import('../commands/resume.ts'),
  },
  {
    name: 'cancel',
    section: 'Operate',
    summary: 'Stop runs',
    description: ['What has been loaded stays loaded. `granary redrive` goes on with a run that was stopped.'],
    arguments: [{ name: 'run', doc: 'its id', many: true }],
    examples: [{ line: 'granary cancel 20261125T030000Z-4f2a1c', meaning: 'one run' }],
    load: () => import('../commands/cancel.ts'),
  },
  {
    name: 'redrive',
    section: 'Operate',
    summary: 'Go on with a run that failed or was stopped',
    description: ['From the states that failed; what has been done is not done again.'],
    arguments: [{ name: 'run', doc: 'its id' }],
    examples: [{ line: 'granary redrive 20261125T030000Z-4f2a1c', meaning: 'after the cause was removed' }],
    load: () => import('../commands/redrive.ts'),
  },
  {
    name: 'metrics',
    section: 'Operate',
    summary: 'Figures for monitoring, as OpenMetrics text',
    examples: [{ line: 'granary metrics', meaning: 'what Prometheus reads at /metrics' }],
    load: () => import('../commands/metrics.ts'),
  },
  {
    name: 'token create',
    section: 'Operate',
    summary: 'Make a token for the HTTP API',
    description: [
      '`read`: status, runs, books, metrics. `query`: the rows of tables. `operate`: `read`, and starting, stopping, replaying. `admin`: all of these, and tokens.',
      'It is printed once. On the socket of the data directory no token is needed.',
    ],
    arguments: [{ name: 'name', doc: 'whose it is' }],
    options: {
      scope: { value: 'scope', doc: 'What it allows', many: true, choices: ['read', 'query', 'operate', 'admin'] },
    },
    examples: [{ line: 'granary token create prometheus --scope read', meaning: 'for monitoring' }],
    load: () => import('../commands/token-create.ts'),
  },
  {
    name: 'token list',
    section: 'Operate',
    summary: 'The tokens, what they allow, and when they were used',
    examples: [{ line: 'granary token list', meaning: 'without their secrets' }],
    load: () => import('../commands/token-list.ts'),
  },
  {
    name: 'token revoke',
    section: 'Operate',
    summary: 'End the validity of tokens',
    arguments: [{ name: 'token', doc: 'its name or id', many: true }],
    examples: [{ line: 'granary token revoke prometheus', meaning: 'at once' }],
    load: () => import('../commands/token-revoke.ts'),
  },
  {
    name: 'dlq list',
    section: 'Operate',
    summary: 'What gave up after its retries, and why',
    options: {
      dataset,
      status: {
        value: 'status',
        doc: 'Only these; default: open and replaying',
        many: true,
        choices: ['open', 'replaying', 'resolved', 'discarded'],
      },
      error: { value: 'code', doc: 'Only with this error: connector.auth_failed' },
      limit: { value: 'n', doc: 'At most so many' },
    },
    examples: [{ line: 'granary dlq list --dataset vendor', meaning: 'the dead letters of a source' }],
    load: () => import('../commands/dlq-list.ts'),
  },
  {
    name: 'dlq show',
    section: 'Operate',
    summary: 'One dead letter with its reason, payload and history',
    arguments: [{ name: 'letter', doc: 'its id, the beginning of it, or the name of the file' }],
    examples: [{ line: 'granary dlq show 4k2m8p1x', meaning: 'why it gave up, and what to do' }],
    load: () => import('../commands/dlq-show.ts'),
  },
  {
    name: 'dlq replay',
    section: 'Operate',
    summary: 'Try dead letters again',
    description: [
      'Marks them and runs the pipelines of their sources. What succeeds is resolved; what gives up again is open again. It can be called any number of times: nothing is loaded twice.',
    ],
    arguments: [{ name: 'letter', doc: 'ids, beginnings of ids, or names of files', optional: true, many: true }],
    options: {
      all: { doc: 'All that are open' },
      dataset,
      error: { value: 'code', doc: 'Only with this error' },
    },
    examples: [
      { line: 'granary dlq replay 4k2m8p1x', meaning: 'one' },
      { line: 'granary dlq replay --all --error connector.auth_failed', meaning: 'after the password was changed' },
    ],
    load: () => import('../commands/dlq-replay.ts'),
  },
  {
    name: 'dlq discard',
    section: 'Operate',
    summary: 'End dead letters without another try',
    arguments: [{ name: 'letter', doc: 'ids, beginnings of ids, or names of files', optional: true, many: true }],
    options: {
      all: { doc: 'All that are open' },
      dataset,
      error: { value: 'code', doc: 'Only with this error' },
      reason: { value: 'text', doc: 'Why; it stays in the history' },
    },
    examples: [{ line: 'granary dlq discard 4k2m8p1x --reason "test file of the vendor"', meaning: 'one' }],
    load: () => import('../commands/dlq-discard.ts'),
  },
  {
    name: 'expectations',
    section: 'Operate',
    summary: 'What is due today, what has come, and what is late, missing or unusual',
    description: [
      'A delivery is due until its time and tolerance have passed, then late, and missed when the next one is due or the day after is over. What came is compared with the limits of the dataset and with its own history.',
    ],
    options: {
      date: { value: 'day', doc: 'Deliveries that are due on this day: 2026-11-25; default: today' },
      dataset,
    },
    examples: [
      { line: 'granary expectations', meaning: 'the board of today' },
      { line: 'granary expectations --date 2026-11-24 --dataset vendor', meaning: 'another day, one source' },
    ],
    load: () => import('../commands/expectations.ts'),
  },
  {
    name: 'expectations forgive',
    section: 'Operate',
    summary: 'Expect nothing of a dataset for a day after all, or take what came as right',
    description: ['It ends the problem that was told of. The reason stays on the board.'],
    arguments: [{ name: 'dataset', doc: 'as source.dataset' }],
    options: {
      date: { value: 'day', doc: 'The day on which it is due; default: today' },
      reason: { value: 'text', doc: 'Why' },
    },
    examples: [
      {
        line: 'granary expectations forgive vendor.prices --date 2026-11-24 --reason "their holiday"',
        meaning: 'nothing came, and that is right',
      },
    ],
    load: () => import('../commands/expectations-forgive.ts'),
  },
  {
    name: 'backfill',
    section: 'Operate',
    summary: 'Fill gaps: days of a dataset that are not loaded',
    description: [
      'Compares the days that a dataset should have (by the calendar of its schedule, else every day) with those that are loaded, and takes what the source still has of the others. What landed and is not loaded is gone on with; what gave up is tried again. --dry-run lists what would run.',
    ],
    arguments: [{ name: 'dataset', doc: 'as source.dataset; its file names must have dates' }],
    options: {
      from: { value: 'day', doc: 'The first day: 2026-11-01' },
      to: { value: 'day', doc: 'The last day; default: today' },
      'dry-run': { doc: 'Only list what would run' },
    },
    examples: [
      {
        line: 'granary backfill shop.sales --from 2026-11-01 --to 2026-11-24 --dry-run',
        meaning: 'which days are missing',
      },
    ],
    load: () => import('../commands/backfill.ts'),
  },
  {
    name: 'machine list',
    section: 'Operate',
    summary: 'The pipelines of the project, and what starts each',
    examples: [{ line: 'granary machine list', meaning: 'their names are what `machine show` takes' }],
    load: () => import('../commands/machine-list.ts'),
  },
  {
    name: 'machine show',
    section: 'Operate',
    summary: 'The state machine of a pipeline, drawn as text',
    description: [
      'Compiled from the project as it is now. With --json it is the document itself, in Amazon States Language: what runs here, and on AWS Step Functions.',
    ],
    arguments: [{ name: 'machine', doc: 'name of a pipeline: daily, a source, or source.dataset' }],
    examples: [
      { line: 'granary machine show stores.sales', meaning: 'what happens to its files, and what is tried again when' },
      { line: 'granary machine show daily --json', meaning: 'the document' },
    ],
    load: () => import('../commands/machine-show.ts'),
  },
  {
    name: 'torture',
    section: 'Operate',
    summary: 'Kill the project’s runs at random, and prove that nothing is lost',
    description: [
      'Runs a copy of the project once undisturbed and then, from an empty data directory each time, under kills of the owner and of workers at random moments, connections that are cut, and a disk that runs full. After each pass every table, the rejects, the objects and the books must be those of the undisturbed run. The project itself and its data are not touched.',
    ],
    options: {
      kills: { value: 'n', doc: 'How many kills must hit; default: 20' },
      seed: { value: 'n', doc: 'For the same sequence again; printed with the report' },
      'no-cuts': { doc: 'Leave connections alone' },
      'no-disk': { doc: 'Do not let the disk run full' },
      keep: { doc: 'Keep the copies to look at' },
    },
    examples: [{ line: 'granary torture --kills 100', meaning: 'before you trust it with the night' }],
    load: () => import('../commands/torture.ts'),
  },
  {
    name: 'logs',
    section: 'Operate',
    summary: 'What was done, line by line',
    options: {
      follow: { short: 'f', doc: 'Go on with the lines to come' },
      run: { value: 'id', doc: 'Only of this run, or of those whose ids begin so' },
      dataset: { value: 'source.dataset', doc: 'Only of this dataset, or of a source' },
      level: { value: 'level', doc: 'Only this and worse', choices: ['debug', 'info', 'warn', 'error'] },
      since: { value: 'duration', doc: 'Only of the last: "2 h"' },
      limit: { value: 'n', doc: 'The last so many; default: 100, with --run or --since all' },
    },
    examples: [
      { line: 'granary logs --follow', meaning: 'what is going on' },
      { line: 'granary logs --level warn --since "12 h"', meaning: 'what went wrong in the night' },
    ],
    load: () => import('../commands/logs.ts'),
  },
];

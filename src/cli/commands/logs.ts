/** `granary logs`. */
import { LOG_LEVELS, type LogLevel, type LogRecord } from '../../lib/log.ts';
import { dataPaths } from '../../runtime/context.ts';
import { readLogs } from '../../runtime/logs/read.ts';
import { shortName } from '../../runtime/names.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { withState } from '../open.ts';
import { type Style, visible } from '../terminal/style.ts';

const LIMIT = 100;
const SHOWN_APART = new Set(['at', 'level', 'message', 'run', 'step', 'dataset', 'source', 'pid']);

export async function execute(call: Call): Promise<ExitCode> {
  const { options, terminal, signal } = call;
  const run = options.text('run');
  const dataset = options.text('dataset');
  const level = options.text('level') as LogLevel | undefined;
  const ago = options.duration('since');
  const follow = options.on('follow');
  const tail = options.count('limit') ?? (ago === undefined && run === undefined ? LIMIT : undefined);
  const query = {
    follow,
    ...(run !== undefined && { run }),
    ...(dataset !== undefined && { dataset }),
    ...(level !== undefined && { level }),
    ...(ago !== undefined && { since: Date.now() - ago * 1000 }),
    ...(tail !== undefined && { tail }),
  };
  const told = await withState(call, async ({ objects }, project) => {
    let n = 0;
    for await (const record of readLogs(dataPaths(project).logs, objects, query, signal)) {
      n++;
      if (terminal.json) await terminal.write(`${JSON.stringify(record)}\n`);
      else terminal.line(lineOf(record, terminal.style));
    }
    return n;
  });
  if (told === 0 && !follow) terminal.line('No line of the log matches.');
  return EXIT.ok;
}

const WIDEST_LEVEL = Math.max(...LOG_LEVELS.map((l) => l.length));

/** `04:12:07 warn  Land  message  code=…`: local time, the rest as it was told. */
function lineOf(record: LogRecord, style: Style): string {
  const paint = { debug: style.dim, info: style.cyan, warn: style.yellow, error: style.red }[record.level];
  const at = new Date(record.at);
  const two = (n: number) => String(n).padStart(2, '0');
  const time = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const facts = Object.entries(record)
    .filter(([name, value]) => !SHOWN_APART.has(name) && value !== undefined)
    .map(([name, value]) => `${name}=${visible(String(value))}`);
  const about = record.dataset !== undefined ? shortName(record.dataset) : (record.source ?? '');
  return [
    style.dim(time),
    paint(record.level.padEnd(WIDEST_LEVEL)),
    record.run === undefined ? '' : style.dim(record.run.slice(-6)),
    record.step ?? '',
    about,
    visible(record.message),
    style.dim(facts.join(' ')),
  ]
    .filter((part) => part !== '')
    .join('  ');
}

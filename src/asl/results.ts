/** The ResultWriter of a distributed Map: results of its children in files of bounded size, and a manifest, laid out as AWS does. */
import { createHash } from 'node:crypto';
import type { Core, Frame, Run } from './core.ts';
import { visitOf } from './core.ts';
import { pathStep } from './document.ts';
import type { Json, MapState } from './types.ts';
import { StatesError } from './types.ts';

const FILE_CHARACTERS = 4_000_000;
const ROWS_AT_ONCE = 500;

/** The same whenever it is asked for within one visit, so that a second try overwrites the files of the first. */
function mapRunId(run: Run, frame: Frame): string {
  const hex = createHash('sha256')
    .update(`${run.id}${frame.path}/${frame.state}#${visitOf(frame)}`)
    .digest('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}

export function mapRunArn(run: Run, frame: Frame, state: MapState): string {
  const label = pathStep(state.Label ?? frame.state);
  return `arn:aws:states:local:000000000000:mapRun:${run.pipeline}/${label}:${mapRunId(run, frame)}`;
}

interface Row {
  idx: number;
  path: string;
  status: 'DONE' | 'FAILED';
  output: string;
  started: number;
}

/**
 * Writes `<id>/SUCCEEDED_<n>.json`, `<id>/FAILED_<n>.json` and `<id>/manifest.json` (names relative to `Prefix`) and returns the output of the
 * state. Of each child: Name, Status, StartDate, and Output (JSON text) or Error and Cause. Throws `States.ResultWriterFailed`.
 */
export async function writeResults(
  core: Core,
  run: Run,
  frame: Frame,
  state: MapState,
  parameters: Json,
  alive: () => boolean,
): Promise<Json> {
  const write = core.host.writeResults;
  if (!write) throw new StatesError('States.ResultWriterFailed', 'this host writes no results');
  const { Resource } = state.ResultWriter!;
  const id = mapRunId(run, frame);
  const given = (parameters ?? {}) as { Bucket?: string; Prefix?: string };
  const keyOf = (name: string) => [given.Prefix?.replace(/\/$/, ''), name].filter((p) => p).join('/');
  const files: Record<'SUCCEEDED' | 'FAILED', { Key: string; Size: number }[]> = { SUCCEEDED: [], FAILED: [] };
  const open: Record<'SUCCEEDED' | 'FAILED', { parts: string[]; characters: number }> = {
    SUCCEEDED: { parts: [], characters: 0 },
    FAILED: { parts: [], characters: 0 },
  };
  const put = async (kind: 'SUCCEEDED' | 'FAILED') => {
    const { parts } = open[kind];
    if (parts.length === 0) return;
    open[kind] = { parts: [], characters: 0 };
    const body = Buffer.from(`[${parts.join(',\n')}]\n`);
    const name = `${id}/${kind}_${files[kind].length}.json`;
    await write(Resource, parameters, name, body);
    files[kind].push({ Key: keyOf(name), Size: body.length });
  };
  try {
    for (let after = -1; ; ) {
      if (!alive()) throw new Error('the state was left');
      const rows: Row[] = core.db.all<Row>(
        'SELECT idx, path, status, output, started FROM frame WHERE parent = ? AND idx > ? ORDER BY idx LIMIT ?',
        frame.id,
        after,
        ROWS_AT_ONCE,
      );
      if (rows.length === 0) break;
      after = rows.at(-1)!.idx;
      for (const row of rows) {
        const kind = row.status === 'DONE' ? 'SUCCEEDED' : 'FAILED';
        const text = JSON.stringify(described(run, row, kind));
        open[kind].parts.push(text);
        open[kind].characters += text.length;
        if (open[kind].characters >= FILE_CHARACTERS) await put(kind);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await put('SUCCEEDED');
    await put('FAILED');
    const bucket = given.Bucket ?? '';
    const arn = mapRunArn(run, frame, state);
    const manifest = { DestinationBucket: bucket, MapRunArn: arn, ResultFiles: { ...files, PENDING: [] } };
    await write(Resource, parameters, `${id}/manifest.json`, Buffer.from(JSON.stringify(manifest)));
    return { MapRunArn: arn, ResultWriterDetails: { Bucket: bucket, Key: keyOf(`${id}/manifest.json`) } };
  } catch (e) {
    if (e instanceof StatesError) throw e;
    throw new StatesError('States.ResultWriterFailed', e instanceof Error ? e.message : String(e));
  }
}

function described(run: Run, row: Row, Status: string): object {
  const common = { Name: `${run.id}:${row.path.slice(1)}`, Status, StartDate: new Date(row.started).toISOString() };
  return row.status === 'DONE' ? { ...common, Output: row.output } : { ...common, ...JSON.parse(row.output) };
}

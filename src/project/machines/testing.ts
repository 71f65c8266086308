/** A small world that machines run in, on the real interpreter: files that are found, and what stages say to each. */
import type { TestContext } from 'node:test';
import type { Execution } from '../../asl/api.ts';
import { bench } from '../../asl/testing.ts';
import { type Json, type JsonObject, StatesError } from '../../asl/types.ts';
import { findPipeline } from '../pipelines.ts';
import type { Project } from '../project.ts';
import { type CompileOptions, compilePipeline } from './compile.ts';

/** Errors that a stage throws on a file, one per attempt; the last stays when `always`. */
export interface Trouble {
  stage: string;
  error: string;
  times: number;
}

export interface WorldFile {
  source: string;
  dataset: string;
  /** Also the object's id. */
  path: string;
  bytes?: number;
  /** Content that another file has too: blocked until that one has ended. */
  copyOf?: string;
  verified?: 'verified' | 'quarantined';
  /** Its datasets and what curation makes of each; its own, curated, if not given. */
  curated?: Record<string, 'curated' | 'quarantined'>;
  trouble?: Trouble;
}

export interface World {
  execution: Execution;
  /** `stage what`, as attempts began. */
  calls: string[];
  /** Calls that came as containers. */
  long: string[];
  /** `dataset object` as loaded, in order. */
  loaded: string[];
  /** Inputs of `dead-letter`. */
  letters: JsonObject[];
  /** Idempotency keys of attempts, in order, by `stage what`. */
  keys: Map<string, string[]>;
  /** The output of each state of the machine itself, by name, as JSON text. */
  outputs: Map<string, string>;
  /** Redrives the run, with another error of publish or none. */
  redrive(publishError?: string): Promise<Execution>;
}

/** `broken` are sources that cannot be listed; `publishError` is what publish throws. */
export interface WorldOptions extends CompileOptions {
  broken?: string[];
  publishError?: string;
  /** Only these files or objects, as a backfill asks for them. */
  select?: { paths?: string[]; objects?: string[] };
}

/** Runs a pipeline of the project over the files. */
export async function runWorld(
  t: TestContext,
  project: Project,
  pipeline: string,
  files: WorldFile[],
  options: WorldOptions = {},
): Promise<World> {
  let { publishError } = options;
  const objects: Record<string, string> = {};
  const ended = new Set<string>();
  const landed: WorldFile[] = options.skipCollect ? [...files] : [];
  const outputs = new Map<string, string>();
  const troubles = new Map(files.map((f) => [f.path, f.trouble?.times ?? 0]));
  const world: Omit<World, 'execution' | 'redrive'> = {
    calls: [],
    long: [],
    loaded: [],
    letters: [],
    keys: new Map(),
    outputs,
  };
  const list = (key: unknown, lines: object[]) => {
    objects[String(key)] = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    return { list: String(key), found: lines.length };
  };
  const keyOf = (f: WorldFile) => `${project.sources.get(f.source)!.tenant}/${f.source}/${f.dataset}`;
  const fileOf = (path: unknown) => files.find((f) => f.path === path)!;

  const stages: Record<string, (input: JsonObject) => Json> = {
    begin: (input) => {
      const { paths = null, objects = null } = (options.select ?? {}) as JsonObject;
      return {
        run: input['run']!,
        pipeline: input['pipeline']!,
        select: { retry_dead_letters: false, paths, objects, parameters: null },
      };
    },
    poll: (input) => {
      if (options.broken?.includes(String(input['source']))) throw new StatesError('Granary.Terminal', '{}');
      const wanted = input['datasets'] as string[] | null;
      const paths = input['paths'] as string[] | null;
      const found = files.filter(
        (f) =>
          f.source === input['source'] && (!wanted || wanted.includes(f.dataset)) && (!paths || paths.includes(f.path)),
      );
      return list(
        input['list'],
        found.map(({ source, dataset, path }) => ({ source, dataset, file: { path }, taken: false })),
      );
    },
    land: (input) => {
      const file = fileOf((input['item'] as { file: { path: string } }).file.path);
      landed.push(file);
      return { object: file.path, dataset: keyOf(file), outcome: 'new', bytes: file.bytes ?? 1 };
    },
    pending: (input) => {
      const keys = input['datasets'] as string[];
      const only = input['objects'] as string[] | null;
      const left = landed.filter(
        (f) => keys.includes(keyOf(f)) && !ended.has(f.path) && (!only || only.includes(f.path)),
      );
      return list(
        input['list'],
        left.map((f) => ({ object: f.path, dataset: keyOf(f), bytes: f.bytes ?? 1 })),
      );
    },
    verify: (input) => {
      const file = fileOf(input['object']);
      if (file.copyOf && !ended.has(file.copyOf)) throw new StatesError('Granary.Blocked', '{}');
      const status = file.copyOf ? 'duplicate' : (file.verified ?? 'verified');
      if (status !== 'verified') ended.add(file.path);
      const datasets = Object.keys(file.curated ?? {});
      return { object: file.path, status, datasets: datasets.length > 0 ? datasets : [keyOf(file)], reasons: 0 };
    },
    references: (input) => ({ references: { of: input['dataset']! } }),
    curate: (input) => {
      const file = fileOf(input['object']);
      const status = file.curated?.[String(input['dataset'])] ?? 'curated';
      if (status === 'quarantined') ended.add(file.path);
      return { dataset: input['dataset']!, curation: `c-${file.path}`, status };
    },
    load: (input) => {
      ended.add(String(input['object']));
      world.loaded.push(`${input['dataset']} ${input['object']}`);
      return { table: 't', loaded: 1 };
    },
    'dead-letter': (input) => {
      const { object, file } = input['item'] as { object?: string; file?: { path: string } };
      ended.add(object ?? file?.path ?? '');
      world.letters.push(input);
      return { dead_letter: 'd' };
    },
    publish: () => {
      if (publishError) throw new StatesError(publishError, '{"errorMessage":"off by 1"}');
      return { status: 'succeeded' };
    },
    'fail-run': () => ({ status: 'failed' }),
  };

  function invoke(stage: string, key: string, input: JsonObject): Json {
    const item = input['item'] as { object?: string; file?: { path: string } } | undefined;
    const what = input['object'] ?? item?.object ?? item?.file?.path ?? input['source'] ?? input['dataset'] ?? '';
    const name = `${stage} ${what}`.trim();
    world.calls.push(name);
    world.keys.set(name, [...(world.keys.get(name) ?? []), key]);
    const trouble = files.find((f) => f.path === what)?.trouble;
    if (trouble?.stage === stage && troubles.get(String(what))! > 0) {
      troubles.set(String(what), troubles.get(String(what))! - 1);
      throw new StatesError(trouble.error, '{"errorMessage":"no"}');
    }
    return stages[stage]!(input);
  }

  const containers = new Map<string, Json>();
  const it = await bench(
    {
      invoke: (parameters) => {
        const { stage, key, input } = (parameters as { Payload: JsonObject }).Payload;
        return { Payload: invoke(String(stage), String(key), input as JsonObject), StatusCode: 200 };
      },
      'runTask.sync': (parameters) => {
        const overrides = (parameters as { Overrides: { ContainerOverrides: [{ Environment: JsonObject[] }] } })
          .Overrides;
        const env = Object.fromEntries(overrides.ContainerOverrides[0].Environment.map((e) => [e['Name'], e['Value']]));
        const input = JSON.parse(String(env['GRANARY_INPUT'])) as JsonObject;
        world.long.push(`${env['GRANARY_STAGE']} ${input['object']}`);
        containers.set(
          String(env['GRANARY_KEY']),
          invoke(String(env['GRANARY_STAGE']), String(env['GRANARY_KEY']), input),
        );
        return {};
      },
      getItem: (parameters) => {
        const pk = (parameters as { Key: { pk: { S: string } } }).Key.pk.S;
        return { Item: { pk: { S: pk }, out: { S: JSON.stringify(containers.get(pk)) } } };
      },
    },
    {
      objects,
      onEvent: (_, { type, path, state, details }) => {
        if (path === '' && state && type.endsWith('StateExited'))
          outputs.set(state, JSON.stringify((details as JsonObject | undefined)?.['output'] ?? null));
      },
    },
  );
  t.after(() => it.end());
  const machine = compilePipeline(project, findPipeline(project, pipeline)!, options);
  return {
    ...world,
    execution: await it.run(machine, { command: 'test' }, 'r1'),
    redrive(error) {
      publishError = error;
      it.engine.redrive('r1');
      return it.clock.until(it.engine.wait('r1'));
    },
  };
}

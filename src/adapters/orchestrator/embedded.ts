/**
 * Orchestrator on this machine: the interpreter, with its state in one SQLite file, and the resources of the portable profile as AWS
 * gives them: `lambda:invoke` wraps the output in `Payload`, `ecs:runTask.sync` takes its input from the environment of its container and
 * leaves its output in the table `granary-outputs`, where `dynamodb:getItem` reads it.
 */

import type {
  Engine,
  EngineClock,
  Execution,
  HistoryEvent,
  ListRequest,
  StartRequest,
  TaskCall,
} from '../../asl/api.ts';
import { openEngine } from '../../asl/engine.ts';
import { EngineError } from '../../asl/errors.ts';
import { type Json, type JsonObject, type Machine, StatesError } from '../../asl/types.ts';
import { asGranaryError, GranaryError } from '../../lib/errors.ts';
import { redact } from '../../lib/redact.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { CurrentStep, Orchestrator } from '../../ports/orchestrator.ts';
import type { Collection, StateStore } from '../../ports/state-store.ts';

/** One attempt of a stage. */
export interface StageCall {
  stage: string;
  input: Json;
  /** `short` came as a Lambda call, `long` as a container. */
  class: 'short' | 'long';
  /** The same for every attempt. */
  key: string;
  execution: string;
  pipeline: string;
  state: string;
  attempt: number;
  signal: AbortSignal;
  heartbeat(): void;
}

export interface EmbeddedOptions {
  file: string;
  clock: EngineClock;
  objects: ObjectStore;
  state: StateStore;
  /** Attempts in flight at once. */
  maxInFlight: number;
  invoke(call: StageCall): Promise<Json>;
  /** `sns:publish`. */
  publish(subject: string, message: string, key: string): Promise<void>;
  onEvent(execution: string, event: HistoryEvent): void;
  /** Its own state could not be written: it tries again, and nothing goes on until then. */
  onTrouble?(error: Error): void;
}

/** Outputs of containers, by idempotency key. */
interface OutputDoc {
  id: string;
  out: string;
  /** Milliseconds since 1970. */
  at: number;
}
const OUTPUTS: Collection<OutputDoc> = { name: 'task_outputs', indexes: { at: ['at'] } };

export async function openEmbeddedOrchestrator(options: EmbeddedOptions): Promise<Orchestrator> {
  const engine = await openEngine({
    file: options.file,
    clock: options.clock,
    maxInFlight: options.maxInFlight,
    runTask: (call) => runTask(call, options),
    readItems: async (_resource, parameters) => options.objects.get(String((parameters as JsonObject)['Key'])),
    writeResults: async (_resource, parameters, name, body) => {
      const prefix = String((parameters as JsonObject)['Prefix'] ?? '').replace(/\/$/, '');
      await options.objects.put(`${prefix}/${name}`, body, { replace: true });
    },
    onEvent: options.onEvent,
    ...(options.onTrouble && { onTrouble: options.onTrouble }),
  });
  return new Embedded(engine, options.state);
}

class Embedded implements Orchestrator {
  readonly #engine: Engine;
  readonly #state: StateStore;

  constructor(engine: Engine, state: StateStore) {
    this.#engine = engine;
    this.#state = state;
  }

  async start(request: StartRequest): Promise<Execution> {
    return named(() => this.#engine.start(request), request.id);
  }
  async get(id: string): Promise<Execution | undefined> {
    return this.#engine.get(id);
  }
  async definition(execution: string): Promise<Machine | undefined> {
    const found = this.#engine.get(execution);
    return found && this.#engine.definition(found.definition);
  }
  async list(request?: ListRequest): Promise<Execution[]> {
    return this.#engine.list(request);
  }
  async history(id: string, options?: { after?: number; limit?: number }): Promise<HistoryEvent[]> {
    return this.#engine.history(id, options);
  }
  async current(id: string): Promise<CurrentStep[]> {
    return this.#engine.current(id);
  }
  async wait(id: string, signal?: AbortSignal): Promise<Execution> {
    try {
      return await this.#engine.wait(id, signal);
    } catch (e) {
      if (!(e instanceof EngineError) || e.name !== 'EngineClosed') throw e;
      throw new GranaryError('cancelled', `Run ${id} goes on with the next owner.`, { cause: e });
    }
  }
  async cancel(id: string, cause: string): Promise<void> {
    named(() => this.#engine.stop(id, 'Granary.Cancelled', cause), id);
  }
  async redrive(id: string): Promise<Execution> {
    return named(() => this.#engine.redrive(id), id);
  }
  async pause(pipeline: string): Promise<void> {
    this.#engine.pause(pipeline);
  }
  async resume(pipeline: string): Promise<void> {
    this.#engine.resume(pipeline);
  }
  async paused(): Promise<string[]> {
    return this.#engine.paused();
  }
  async stats() {
    return this.#engine.stats();
  }
  async prune(endedBefore: number): Promise<number> {
    for await (const output of this.#state.query(OUTPUTS, { index: 'at' })) {
      if (output.at >= endedBefore) break;
      await this.#state.remove(OUTPUTS, output.id);
    }
    return this.#engine.prune(endedBefore);
  }
  async close(graceMs?: number): Promise<void> {
    await this.#engine.close(graceMs);
  }
}

/** The interpreter's own errors, as Granary names them. */
function named<T>(act: () => T, id: string): T {
  try {
    return act();
  } catch (e) {
    const name = e instanceof Error ? e.name : '';
    if (name === 'NotRedrivable')
      throw new GranaryError('run.not_redrivable', `Run ${id} did not fail: there is nothing to continue.`, {
        cause: e,
      });
    if (name === 'ExecutionAlreadyExists')
      throw new GranaryError('run.conflict', `Run ${id} exists with another input.`, { cause: e });
    if (name === 'ExecutionDoesNotExist')
      throw new GranaryError('run.not_found', `There is no run ${id}.`, { cause: e });
    throw e;
  }
}

async function runTask(call: TaskCall, options: EmbeddedOptions): Promise<Json> {
  const parameters = call.parameters as JsonObject;
  try {
    switch (call.resource) {
      case 'arn:aws:states:::lambda:invoke': {
        const payload = parameters['Payload'] as { stage: string; key?: string; input: Json };
        const output = await options.invoke(stageCall(call, payload.stage, payload.input, 'short'));
        return { ExecutedVersion: '$LATEST', Payload: output, StatusCode: 200 };
      }
      case 'arn:aws:states:::ecs:runTask.sync': {
        const { stage, key, input } = containerInput(parameters);
        const output = await options.invoke(stageCall(call, stage, input, 'long'));
        await options.state.put(OUTPUTS, { id: key, out: JSON.stringify(output), at: options.clock.now() });
        return { TaskArn: call.key, LastStatus: 'STOPPED' };
      }
      case 'arn:aws:states:::dynamodb:getItem': {
        const id = keyOf(parameters);
        const doc = await options.state.get(OUTPUTS, id);
        return doc ? { Item: { pk: { S: id }, out: { S: doc.out } } } : {};
      }
      case 'arn:aws:states:::dynamodb:putItem': {
        const item = parameters['Item'] as { pk: { S: string }; out: { S: string } };
        await options.state.put(OUTPUTS, { id: item.pk.S, out: item.out.S, at: options.clock.now() });
        return {};
      }
      case 'arn:aws:states:::sns:publish': {
        const message = parameters['Message'];
        await options.publish(
          String(parameters['Subject'] ?? ''),
          typeof message === 'string' ? message : JSON.stringify(message),
          call.key,
        );
        return { MessageId: call.key };
      }
      default:
        throw new StatesError('States.Runtime', `${call.resource} is not of the portable profile`);
    }
  } catch (e) {
    throw e instanceof StatesError ? e : statesError(e);
  }
}

function stageCall(call: TaskCall, stage: string, input: Json, as: 'short' | 'long'): StageCall {
  const { key, execution, pipeline, state, attempt, signal, heartbeat } = call;
  return { stage, input, class: as, key, execution, pipeline, state, attempt, signal, heartbeat };
}

function containerInput(parameters: JsonObject): { stage: string; key: string; input: Json } {
  const overrides = parameters['Overrides'] as {
    ContainerOverrides: { Environment: { Name: string; Value: string }[] }[];
  };
  const env = Object.fromEntries(overrides.ContainerOverrides[0]!.Environment.map((e) => [e.Name, e.Value]));
  return {
    stage: env['GRANARY_STAGE']!,
    key: env['GRANARY_KEY']!,
    input: JSON.parse(env['GRANARY_INPUT'] ?? '{}') as Json,
  };
}

function keyOf(parameters: JsonObject): string {
  return (parameters['Key'] as { pk: { S: string } }).pk.S;
}

/**
 * The class of an error is its name, for Retry and Catch; code, message and hint are in the cause, in the form of a Lambda function's
 * error. A document that changed meanwhile is read again; space may be made on a full disk.
 */
function statesError(e: unknown): StatesError {
  const error = asGranaryError(e);
  const name =
    error.code === 'store.disk_full'
      ? 'Granary.DiskFull'
      : error.code === 'verify.blocked'
        ? 'Granary.Blocked'
        : error.transient || error.code === 'state.conflict'
          ? 'Granary.Transient'
          : 'Granary.Terminal';
  const shown = JSON.parse(redact(JSON.stringify(error))) as Json;
  const message = (shown as { message: string }).message;
  return new StatesError(name, JSON.stringify({ errorMessage: message, errorType: name, error: shown }));
}

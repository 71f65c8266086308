/** What a state does, in words for people. */
import type { Catcher, ChoiceRule, Json, JsonObject, MapState, Retrier, State, TaskState } from '../types.ts';

/** A result up to this length is told as it stands. */
const SHORT_RESULT = 60;

/** Lines of text of any length: what it runs, its limits, what becomes of its result and, as `errors` tells it, of errors. */
export function describe(state: State, errors: { brief: string[]; lines: string[] }): string[] {
  const out: string[] = [];
  if (state.Comment) out.push(state.Comment);
  const brief = [
    ...(state.Type === 'Task' ? [resource(state), ...limits(state)] : []),
    ...(state.Type === 'Map' ? mapping(state) : []),
    ...errors.brief,
  ];
  if (brief.length > 0) out.push(join(brief));
  if (state.Type === 'Wait') {
    const until = state.Timestamp ?? state.TimestampPath;
    out.push(until === undefined ? `for ${duration(state.Seconds ?? state.SecondsPath)}` : `until ${until}`);
  }
  if (state.Type === 'Pass') {
    const fields = Object.keys(state.Parameters ?? {}).map((name) => name.replace(/\.\$$/, ''));
    if (fields.length > 0) out.push(`makes    ${fields.join(', ')}`);
    else if (state.Result !== undefined) out.push(`makes    ${result(state.Result)}`);
  }
  if ('ResultPath' in state && state.ResultPath !== undefined && state.ResultPath !== '$')
    out.push(state.ResultPath === null ? 'result   dropped' : `result   to ${state.ResultPath}`);
  return [...out, ...errors.lines];
}

/** A long one by the names of its fields and the lengths of their lists. */
function result(value: Json): string {
  const text = JSON.stringify(value);
  if (text.length <= SHORT_RESULT || typeof value !== 'object' || value === null) return text;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return Object.entries(value)
    .map(([name, part]) => (Array.isArray(part) ? `${name} (${part.length})` : name))
    .join(', ');
}

/** The kind on the right of a box. */
export function kindOf(state: State): string {
  if (state.Type !== 'Map') return state.Type;
  return state.ItemProcessor.ProcessorConfig?.Mode === 'DISTRIBUTED' ? 'Map, distributed' : 'Map';
}

/** `lambda granary-land`, `ecs curate-long`, `dynamodb getItem books`. */
function resource(state: TaskState): string {
  const name = state.Resource.replace(/^arn:aws:states:::/, '');
  const of = (field: string) => parameter(state.Parameters, field);
  if (name === 'lambda:invoke') return `lambda ${short(of('FunctionName'))}`;
  if (name === 'ecs:runTask.sync') return `ecs ${short(of('TaskDefinition'))}`;
  if (name.startsWith('dynamodb:')) return `dynamodb ${name.slice(9)} ${of('TableName')}`;
  if (name === 'sns:publish') return `sns ${short(of('TopicArn'))}`;
  return name;
}

function parameter(parameters: JsonObject | undefined, field: string): string {
  const value = parameters?.[field] ?? parameters?.[`${field}.$`];
  return typeof value === 'string' ? value : '?';
}

/** The last part of an ARN. */
function short(name: string): string {
  return name.startsWith('arn:') ? name.slice(name.lastIndexOf(':') + 1) : name;
}

function limits(state: TaskState): string[] {
  const timeout = state.TimeoutSeconds ?? state.TimeoutSecondsPath;
  const heartbeat = state.HeartbeatSeconds ?? state.HeartbeatSecondsPath;
  return [
    ...(timeout === undefined ? [] : [`timeout ${duration(timeout)}`]),
    ...(heartbeat === undefined ? [] : [`heartbeat ${duration(heartbeat)}`]),
  ];
}

function mapping(state: MapState): string[] {
  const out: string[] = [];
  const { ItemReader: reader, ResultWriter: writer, ItemBatcher: batcher } = state;
  if (reader) {
    const where = `${parameter(reader.Parameters, 'Bucket')}/${parameter(reader.Parameters, 'Key')}`;
    out.push(`for each of ${where} (${reader.ReaderConfig?.InputType ?? 'JSON'})`);
  } else out.push(`for each of ${state.ItemsPath ?? '$'}`);
  const most = state.MaxConcurrency || state.MaxConcurrencyPath;
  if (most) out.push(`${most} at once`);
  if (batcher?.MaxItemsPerBatch) out.push(`batches of ${batcher.MaxItemsPerBatch}`);
  if (state.ToleratedFailurePercentage) out.push(`up to ${state.ToleratedFailurePercentage} % may fail`);
  if (state.ToleratedFailureCount) out.push(`up to ${state.ToleratedFailureCount} may fail`);
  if (writer)
    out.push(`results in ${parameter(writer.Parameters, 'Bucket')}/${parameter(writer.Parameters, 'Prefix')}`);
  return out;
}

export function retry(retrier: Retrier): string {
  const { MaxAttempts: times = 3, IntervalSeconds: first = 1, BackoffRate: rate = 2, MaxDelaySeconds: most } = retrier;
  const names = errors(retrier.ErrorEquals);
  if (times === 0) return `${names}: never`;
  const growth = times > 1 && rate > 1 ? ` × ${rate} each` : '';
  const cap = most === undefined || !growth ? '' : `, at most ${duration(most)}`;
  const jitter = retrier.JitterStrategy === 'FULL' ? ', jitter' : '';
  return `${names}: ${times === 1 ? 'once' : `${times} times`}, after ${duration(first)}${growth}${cap}${jitter}`;
}

export function caught(catcher: Catcher): string {
  const path = catcher.ResultPath;
  const kept = path === undefined || path === '$' ? '' : path === null ? ' (error dropped)' : ` (error to ${path})`;
  return `${errors(catcher.ErrorEquals)} → ${catcher.Next}${kept}`;
}

function errors(names: string[]): string {
  return names.map((name) => (name === 'States.ALL' ? 'any error' : name)).join(', ');
}

const SIGNS: Record<string, string> = {
  Equals: '=',
  LessThan: '<',
  GreaterThan: '>',
  LessThanEquals: '≤',
  GreaterThanEquals: '≥',
};

/** A rule of a Choice as a condition: `$.bytes > 1000 and not $.dry = true`. */
export function condition(rule: ChoiceRule): string {
  if (rule.And) return rule.And.map(inner).join(' and ');
  if (rule.Or) return rule.Or.map(inner).join(' or ');
  if (rule.Not) return `not ${inner(rule.Not)}`;
  for (const [name, operand] of Object.entries(rule)) {
    if (name === 'StringMatches') return `${rule.Variable} matches ${quoted(operand)}`;
    const is = /^Is(\w+)$/.exec(name);
    if (is) return `${rule.Variable} is ${operand === true ? '' : 'not '}${is[1]!.toLowerCase()}`;
    const m = /^(?:String|Numeric|Boolean|Timestamp)([A-Z][A-Za-z]*?)(Path)?$/.exec(name);
    const sign = m ? SIGNS[m[1]!] : undefined;
    if (sign) return `${rule.Variable} ${sign} ${m![2] ? operand : quoted(operand)}`;
  }
  return '?';
}

function inner(rule: ChoiceRule): string {
  return rule.And || rule.Or ? `(${condition(rule)})` : condition(rule);
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** `90 s`, `5 min`, `2 h`, `1 d`; a path as it stands. */
export function duration(seconds: number | string | undefined): string {
  if (typeof seconds !== 'number') return seconds ?? '?';
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
  ] as const)
    if (seconds >= size && seconds % size === 0) return `${seconds / size} ${unit}`;
  return `${seconds} s`;
}

function join(parts: string[]): string {
  return parts.join(' · ');
}

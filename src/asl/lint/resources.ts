/** Resources of the profile: what a Task may call, an ItemReader read and a ResultWriter write. */
import {
  type Check,
  checkFields,
  type Fields,
  integer,
  isObject,
  member,
  needs,
  needsParameter,
  oneOf,
  type Report,
  template,
} from './checks.ts';

interface Integration {
  /** Parameters that must be there. */
  needs: string[];
  /** Where only these make sense to every host. */
  only?: string[];
}

const PREFIX = 'arn:aws:states:::';
const TASKS: Record<string, Integration> = {
  'lambda:invoke': { needs: ['FunctionName', 'Payload'], only: ['FunctionName', 'Payload', 'Qualifier'] },
  'ecs:runTask.sync': { needs: ['TaskDefinition'] },
  'dynamodb:getItem': { needs: ['TableName', 'Key'] },
  'dynamodb:putItem': { needs: ['TableName', 'Item'] },
  'sns:publish': { needs: ['Message'] },
};

/** `express`: within a distributed Map of ExecutionType EXPRESS, where AWS runs no `.sync`. */
export function checkTask(state: Fields, at: string, express: boolean, report: Report): void {
  const { Resource: resource, Parameters: parameters } = state;
  const where = `${at}.Resource`;
  if (typeof resource !== 'string') {
    report(at, 'needs Resource');
    return;
  }
  if (resource.endsWith('.waitForTaskToken')) {
    report(where, '.waitForTaskToken is outside the profile');
    return;
  }
  const name = resource.startsWith(PREFIX) ? resource.slice(PREFIX.length) : '';
  const integration = Object.hasOwn(TASKS, name) ? TASKS[name] : undefined;
  if (!integration) {
    const allowed = Object.keys(TASKS).join(', ');
    report(where, `'${resource}' is outside the profile: ${PREFIX} and one of ${allowed}`);
    return;
  }
  if (express && name.endsWith('.sync')) report(where, '.sync does not run in a Map of ExecutionType EXPRESS');
  if (!isObject(parameters)) {
    report(at, `needs Parameters with ${integration.needs.join(', ')}`);
    return;
  }
  const here = `${at}.Parameters`;
  needsParameter(parameters, here, report, ...integration.needs);
  if (name === 'sns:publish' && !['TopicArn', 'TargetArn'].some((n) => n in parameters || `${n}.$` in parameters))
    report(here, 'needs TopicArn');
  for (const field of integration.only ? Object.keys(parameters) : [])
    if (!integration.only!.includes(field.replace(/\.\$$/, '')))
      report(member(here, field), `is outside the profile: ${integration.only!.join(', ')}`);
}

export const itemReader: Check = (value, at, report) => {
  if (!isObject(value)) {
    report(at, 'is an object');
    return;
  }
  const READER: Record<string, Check> = {
    Resource: oneOf(`${PREFIX}s3:getObject`),
    Parameters: template,
    ReaderConfig: readerConfig,
  };
  checkFields(value, at, READER, report);
  needs(value, at, report, 'Resource', 'ReaderConfig');
  needsParameter(value['Parameters'], `${at}.Parameters`, report, 'Bucket', 'Key');
};

function readerConfig(value: unknown, at: string, report: Report): void {
  if (!isObject(value)) {
    report(at, 'is an object');
    return;
  }
  checkFields(value, at, { InputType: oneOf('JSON', 'JSONL'), MaxItems: integer(1, 100_000_000) }, report);
  needs(value, at, report, 'InputType');
}

export const resultWriter: Check = (value, at, report) => {
  if (!isObject(value)) {
    report(at, 'is an object');
    return;
  }
  checkFields(value, at, { Resource: oneOf(`${PREFIX}s3:putObject`), Parameters: template }, report);
  needs(value, at, report, 'Resource');
  needsParameter(value['Parameters'], `${at}.Parameters`, report, 'Bucket');
};

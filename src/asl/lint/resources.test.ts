import { finds, invoke, machine } from './testing.ts';

finds([
  [
    'an unknown integration',
    machine(invoke({ Resource: 'arn:aws:states:::sqs:sendMessage' })),
    'States.S0.Resource',
    /outside the profile/,
  ],
  [
    'a function by its ARN',
    machine(invoke({ Resource: 'arn:aws:lambda:eu-west-1:1:function:f' })),
    'States.S0.Resource',
    /outside the profile/,
  ],
  [
    'a task token',
    machine(invoke({ Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken' })),
    'States.S0.Resource',
    /waitForTaskToken/,
  ],
  [
    'an ECS task without .sync',
    machine(invoke({ Resource: 'arn:aws:states:::ecs:runTask' })),
    'States.S0.Resource',
    /outside the profile/,
  ],
  ['a Task without Resource', machine({ Type: 'Task', End: true }), 'States.S0', /needs Resource/],
  [
    'no Parameters',
    machine({ Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', End: true }),
    'States.S0',
    /needs Parameters/,
  ],
  ['no FunctionName', machine(invoke({ Parameters: { Payload: {} } })), 'States.S0.Parameters', /needs FunctionName/],
  [
    'an empty FunctionName',
    machine(invoke({ Parameters: { FunctionName: '', Payload: {} } })),
    'States.S0.Parameters.FunctionName',
    /empty/,
  ],
  ['no Payload', machine(invoke({ Parameters: { FunctionName: 'f' } })), 'States.S0.Parameters', /needs Payload/],
  [
    'an invocation that is not waited for',
    machine(invoke({ Parameters: { FunctionName: 'f', Payload: {}, InvocationType: 'Event' } })),
    'States.S0.Parameters.InvocationType',
    /outside/,
  ],
  [
    'no TopicArn',
    machine(invoke({ Resource: 'arn:aws:states:::sns:publish', Parameters: { Message: 'm' } })),
    'States.S0.Parameters',
    /TopicArn/,
  ],
  [
    'a heartbeat as long as the timeout',
    machine(invoke({ TimeoutSeconds: 60, HeartbeatSeconds: 60 })),
    'States.S0.HeartbeatSeconds',
    /less than TimeoutSeconds/,
  ],
  ['a timeout of 0', machine(invoke({ TimeoutSeconds: 0 })), 'States.S0.TimeoutSeconds', /integer from 1/],
  ['two timeouts', machine(invoke({ TimeoutSeconds: 1, TimeoutSecondsPath: '$.t' })), 'States.S0', /only one/],
]);

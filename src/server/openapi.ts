/** The description of the API, from the endpoints. Pure. Source: https://spec.openapis.org/oas/v3.1.1.html */
import { type Endpoint, TAGS } from './endpoint.ts';
import { PROBLEM_TYPE } from './problem.ts';
import type { JsonSchema } from './schema.ts';
import { SCHEMAS } from './schemas.ts';

export interface OpenApi {
  openapi: string;
  info: { title: string; version: string; summary: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, JsonSchema>;
    securitySchemes: Record<string, unknown>;
    responses: Record<string, unknown>;
  };
}

export interface Operation {
  operationId: string;
  summary: string;
  description?: string;
  tags: string[];
  /** Empty: no token is needed. The scope is a `role` of the token. */
  security: Record<string, string[]>[];
  parameters?: { name: string; in: 'path' | 'query'; required: boolean; description: string; schema: JsonSchema }[];
  requestBody?: { required: boolean; content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, unknown>;
}

export function openApi(endpoints: readonly Endpoint[], version: string): OpenApi {
  const paths: OpenApi['paths'] = {};
  for (const e of endpoints) {
    paths[e.path] ??= {};
    paths[e.path]![e.method.toLowerCase()] = operationOf(e);
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Granary',
      version,
      summary:
        'What the owner of a data directory can be asked and told. On the socket of the data directory no token is needed.',
    },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: '`granary token create` makes one.' } },
      responses: {
        Problem: {
          description: 'It was not done: what is wrong, and what to do.',
          content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  };
}

function operationOf(e: Endpoint): Operation {
  const parameters = [
    ...Object.entries(e.parameters ?? {}).map(([name, description]) => ({
      name,
      in: 'path' as const,
      required: true,
      description,
      schema: { type: 'string' as const },
    })),
    ...Object.entries(e.query?.json.properties ?? {}).map(([name, { description = '', ...schema }]) => ({
      name,
      in: 'query' as const,
      required: e.query!.required.includes(name),
      description,
      schema,
    })),
  ];
  const { answer } = e;
  const contentType = answer.kind === 'json' ? 'application/json' : answer.contentType;
  const schema: JsonSchema = answer.kind === 'json' ? answer.schema : { type: 'string' };
  return {
    operationId: e.id,
    summary: e.summary,
    ...(e.description !== undefined && { description: e.description }),
    tags: [e.tag],
    security: e.scope === null ? [] : [{ token: [e.scope] }],
    ...(parameters.length > 0 && { parameters }),
    ...(e.body && {
      requestBody: { required: e.body.required.length > 0, content: { 'application/json': { schema: e.body.json } } },
    }),
    responses: {
      [e.status ?? 200]: { description: answer.description, content: { [contentType]: { schema } } },
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

/** What an endpoint is: declared once; routing, checks of input and of rights, and the description of the API come from it. */

import type { Scope } from '../model/api-tokens.ts';
import type { Operations } from '../runtime/operations.ts';
import { type JsonSchema, j, type ObjectSchema } from './schema.ts';
import type { Tokens } from './tokens.ts';

export interface Services {
  operations: Operations;
  tokens: Tokens;
  /** The description of the API. */
  describe(): unknown;
}

export interface ApiRequest<Query, Body> {
  /** Of the path: `{id}`. Decoded. */
  path: Record<string, string>;
  query: Query;
  body: Body;
  headers: Record<string, string | string[] | undefined>;
  /** Who asks. */
  by: string;
  /** May this caller do what needs the scope? */
  allows(scope: Scope): boolean;
  /** Aborts when the caller is gone or the server closes. */
  signal: AbortSignal;
}

/** JSON with its schema, text, or a stream of pieces. */
export type Answer =
  | { kind: 'json'; schema: JsonSchema; description: string }
  | { kind: 'text'; contentType: string; description: string }
  | { kind: 'stream'; contentType: string; description: string };

/** What a handler returns for `text` and `stream`; a `json` handler returns the value itself, or with a status of its own. */
export class Reply {
  readonly body: unknown;
  readonly status: number;
  constructor(body: unknown, status: number) {
    this.body = body;
    this.status = status;
  }
}

export interface EndpointSpec<Query, Body> {
  method: 'GET' | 'POST' | 'DELETE';
  /** With `{name}` for parts that vary. */
  path: string;
  /** `operationId` of the description. */
  id: string;
  summary: string;
  description?: string;
  tag: Tag;
  /** Null: no token is needed. */
  scope: Scope | null;
  /** Meaning of the parts of the path. */
  parameters?: Record<string, string>;
  query?: ObjectSchema<Query>;
  body?: ObjectSchema<Body>;
  answer: Answer;
  /** Of success; default 200. */
  status?: 200 | 201 | 202 | 204;
  handle(request: ApiRequest<Query, Body>, services: Services): Promise<unknown>;
}

export const TAGS = {
  Status: 'What goes on, and how it is.',
  Runs: 'Executions of pipelines.',
  Pipelines: 'What runs by itself.',
  'Dead letters': 'What gave up after its retries.',
  Expectations: 'What should arrive, and when.',
  Data: 'Tables, books, and objects.',
  Tokens: 'Who may use the API.',
} as const;
export type Tag = keyof typeof TAGS;

export type Endpoint = EndpointSpec<Record<string, unknown>, Record<string, unknown>>;

const NOTHING = j.object({});

/** Types the handler by the schemas of its input. */
export function endpoint<Query = Record<never, never>, Body = Record<never, never>>(
  spec: EndpointSpec<Query, Body>,
): Endpoint {
  return { ...spec, query: spec.query ?? NOTHING } as unknown as Endpoint;
}

export const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
export const json = (schema: JsonSchema, description: string): Answer => ({ kind: 'json', schema, description });
export const listOf = (name: string, description: string): Answer =>
  json({ type: 'array', items: ref(name) }, description);

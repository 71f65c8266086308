/**
 * A spec declares a piece of configuration once. From it come the parser, the TypeScript type (`Infer`), the reference docs
 * (`docs.ts`) and the JSON Schema (`json-schema.ts`). Specs are plain values: importing one does nothing.
 */

import { redact } from '../redact.ts';

export interface Issue {
  /** Keys and indexes from the root of the parsed value. */
  path: (string | number)[];
  /** Point at the key itself rather than at its value. */
  atKey?: boolean;
  message: string;
  /** The right spelling, where a near one exists. */
  suggestion?: string;
}

export interface ParseContext {
  issues: Issue[];
}

export interface FieldInfo<T = unknown> {
  /** One line, a full sentence. */
  doc: string;
  /** As a user writes it in YAML. */
  example?: unknown;
  /** After parsing. A field with a default is never undefined. */
  default?: T;
  optional?: boolean;
  /** A secret: never printed, meant to be given as `${secret:NAME}`. */
  secret?: boolean;
}

export interface Spec<T> {
  /** Name of the kind for people: `text`, `size`, `list of text`… */
  readonly label: string;
  readonly info: FieldInfo;
  parse(value: unknown, path: (string | number)[], context: ParseContext): T | undefined;
  /** JSON Schema of what a user may write. */
  jsonSchema(): JsonSchema;
  /** Nested specs for the reference docs. */
  readonly children?: Children;
}

export type JsonSchema = Record<string, unknown>;

export type Children =
  | { kind: 'object'; fields: Record<string, Spec<unknown>> }
  | { kind: 'items'; item: Spec<unknown> }
  | { kind: 'variants'; key: string; variants: { type: string; title: string; spec: ObjectSpec<unknown> }[] };

// biome-ignore lint/suspicious/noExplicitAny: `any` lets a Spec of every T match.
export type Infer<S extends Spec<any>> = S extends Spec<infer T> ? T : never;

export interface ObjectSpec<T> extends Spec<T> {
  readonly fields: Record<string, Spec<unknown>>;
}

/** What YAML calls a value, for messages. Secrets are blanked out before long text is cut, so that no piece of one is left. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const s = redact(String(value));
  return typeof value === 'string' ? `"${s.length > 60 ? `${s.slice(0, 57)}…` : s}"` : s;
}

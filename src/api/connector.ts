/**
 * What a project's own connectors are written with: `import { defineConnector, s } from 'granary/connector'`. The names here are kept
 * stable; everything else of the package may change.
 */
import type { ConnectorContext, FileConnector, FileSource, ListRequest, RemoteFile } from '../ports/connector.ts';
import type { ExtractConnector } from '../ports/extract.ts';

export { type ErrorCode, type ErrorOptions, GranaryError } from '../lib/errors.ts';
export { type Chosen, s } from '../lib/spec/fields.ts';
export type { FieldInfo, Infer, ObjectSpec, Spec } from '../lib/spec/spec.ts';
export type { ColumnType } from '../model/schema.ts';
export type { Engine } from '../ports/engine.ts';
export type {
  ExtractDataset,
  Extracted,
  ExtractRequest,
  ExtractSink,
  ExtractSource,
  FeedLag,
  ObjectOptions,
  Offer,
  Position,
  Proposal,
  ReadDescription,
  Totals,
} from '../ports/extract.ts';
export type { ConnectorContext, FileSource, ListRequest, RemoteFile };

/** A connector that reads records; its type is the name of its file. */
export type ExtractDefinition<C, R> = Omit<ExtractConnector<C, R>, 'type'>;
/** A connector that offers files. */
export type FileDefinition<C> = Omit<FileConnector<C>, 'type'>;

/** What `connectors/<type>.ts` exports by default. Does nothing but check types. */
export function defineConnector<C, R>(connector: ExtractDefinition<C, R>): ExtractDefinition<C, R>;
export function defineConnector<C>(connector: FileDefinition<C>): FileDefinition<C>;
export function defineConnector(connector: unknown): unknown {
  return connector;
}

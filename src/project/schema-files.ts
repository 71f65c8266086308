/** JSON Schemas of the project's files, for editors (yaml-language-server) and other tools. */
import type { JsonSchema } from '../lib/spec/spec.ts';
import type { ProjectComponents } from './endings.ts';
import { projectSpec } from './specs/project.ts';
import { sourceSpec } from './specs/source.ts';

/** Where `granary init` and `granary schema` put the schemas, relative to the project folder. */
export const SCHEMA_DIR = '.granary/schema';
export const PROJECT_SCHEMA = `${SCHEMA_DIR}/project.json`;
export const SOURCE_SCHEMA = `${SCHEMA_DIR}/source.json`;

/** Schemas (draft-07, which every editor knows) by path relative to the project folder. */
export function projectSchemas(components: ProjectComponents): Record<string, JsonSchema> {
  return {
    [PROJECT_SCHEMA]: schemaFile('Granary project', projectSpec.jsonSchema()),
    [SOURCE_SCHEMA]: schemaFile('Granary source', sourceSpec(components).jsonSchema()),
  };
}

function schemaFile(title: string, schema: JsonSchema): JsonSchema {
  return { $schema: 'http://json-schema.org/draft-07/schema#', title, ...schema };
}

/** The comment by which an editor finds the schema of a file. `file` and `schema` are relative to the project folder. */
export function schemaLine(file: string, schema: string): string {
  const up = '../'.repeat(file.split('/').length - 1);
  return `# yaml-language-server: $schema=${up}${schema}`;
}

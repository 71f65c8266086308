/** `granary version`. */
import { readFile } from 'node:fs/promises';
import { type Call, EXIT, type ExitCode } from '../command.ts';

export async function execute({ terminal }: Call): Promise<ExitCode> {
  const file = new URL('../../../package.json', import.meta.url);
  const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string };
  const { version: engine } = await import('@duckdb/node-api');
  const found = {
    granary: version,
    node: process.versions.node,
    duckdb: engine(),
    platform: `${process.platform}-${process.arch}`,
  };
  terminal.document(found);
  terminal.line(`granary ${found.granary} (Node.js ${found.node}, DuckDB ${found.duckdb}, ${found.platform})`);
  return EXIT.ok;
}

/** Compiles the record scanner and embeds it: `npx node src/lib/scan/build.ts` after every change of record-scanner.as. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The text of record-scanner.wasm.ts for the source as it is now. */
export async function generate(): Promise<string> {
  const { default: asc } = await import('assemblyscript/asc');
  const source = await readFile(here('record-scanner.as'), 'utf8');
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      ...['scanner.ts', '--outFile', 'scanner.wasm'],
      ...['-O3', '--converge', '--noAssert', '--runtime', 'stub', '--enable', 'simd'],
      ...['--initialMemory', '160', '--maximumMemory', '160'],
    ],
    {
      readFile: (name: string) => (name === 'scanner.ts' ? source : null),
      writeFile(_name, contents) {
        binary = contents as Uint8Array;
      },
    },
  );
  if (error || !binary) throw new Error(`record-scanner.as does not compile: ${stderr.toString()}`, { cause: error });
  const lines =
    Buffer.from(binary)
      .toString('base64')
      .match(/.{1,112}/g) ?? [];
  return [
    '/** Generated from record-scanner.as by build.ts; do not edit. */',
    'export const WASM = [',
    ...lines.map((l) => `  '${l}',`),
    "].join('');",
    '',
  ].join('\n');
}

if (import.meta.main) await writeFile(here('record-scanner.wasm.ts'), await generate());

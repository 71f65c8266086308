/** Compiles the scanners and embeds them: `npx node src/lib/scan/build.ts` after every change of an .as file. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

export interface Scanner {
  /** Path without the ending, relative to this file. */
  source: string;
  /** Pages of 64 KiB at first, and at most. */
  initialPages: number;
  mostPages: number;
}

export const SCANNERS = {
  records: { source: 'record-scanner', initialPages: 160, mostPages: 160 },
  xml: { source: '../../formats/xml/scanner', initialPages: 88, mostPages: 2048 },
  tags: { source: '../../formats/xml/tags', initialPages: 24, mostPages: 2048 },
} satisfies Record<string, Scanner>;

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Where the compiled module of a scanner is. */
export const generatedPath = ({ source }: Scanner) => here(`${source}.wasm.ts`);

/** The text of that file for the source as it is now. */
export async function generate({ source: path, initialPages, mostPages }: Scanner): Promise<string> {
  const { default: asc } = await import('assemblyscript/asc');
  const source = await readFile(here(`${path}.as`), 'utf8');
  const name = path.slice(path.lastIndexOf('/') + 1);
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      ...['scanner.ts', '--outFile', 'scanner.wasm'],
      ...['-O3', '--converge', '--noAssert', '--runtime', 'stub', '--enable', 'simd'],
      ...['--initialMemory', String(initialPages), '--maximumMemory', String(mostPages)],
    ],
    {
      readFile: (file: string) => (file === 'scanner.ts' ? source : null),
      writeFile(_name, contents) {
        binary = contents as Uint8Array;
      },
    },
  );
  if (error || !binary) throw new Error(`${name}.as does not compile: ${stderr.toString()}`, { cause: error });
  const lines =
    Buffer.from(binary)
      .toString('base64')
      .match(/.{1,112}/g) ?? [];
  return [
    `/** Generated from ${name}.as by build.ts; do not edit. */`,
    'export const WASM = [',
    ...lines.map((l) => `  '${l}',`),
    "].join('');",
    '',
  ].join('\n');
}

if (import.meta.main)
  for (const scanner of Object.values(SCANNERS)) await writeFile(generatedPath(scanner), await generate(scanner));

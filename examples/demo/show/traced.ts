/** From one row of the warehouse back to the line of the file it came from, in the bytes as they were received. */
import { gunzipSync } from 'node:zlib';
import { visible } from '../../../src/cli/terminal/style.ts';
import type { Terminal } from '../../../src/cli/terminal/terminal.ts';
import { readObject } from '../../../src/ports/object-store.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import { trace } from '../../../src/runtime/trace.ts';
import { rowsOf } from './rows.ts';

const DEAREST_RETURN = `SELECT receipt, position FROM sales WHERE kind = 'R' ORDER BY amount, receipt, position LIMIT 1`;

export async function showTrace(runtime: Runtime, terminal: Terminal): Promise<void> {
  const { style } = terminal;
  const [found] = await rowsOf(runtime.context.warehouse, DEAREST_RETURN);
  const words = [`receipt=${found!.receipt}`, `position=${found!.position}`];
  terminal.line(`  ${style.cyan(`granary trace sales ${words.join(' ')}`)}`);
  const [traced] = await trace('sales', words, runtime);
  const { origin, line, row } = traced!;
  const text = new TextDecoder('windows-1252').decode(
    gunzipSync(await readObject(runtime.context.objects, origin!.key)),
  );
  const facts: [string, string][] = [
    ['row', ['store', 'sold_at', 'sku', 'category', 'quantity', 'amount'].map((c) => String(row[c])).join('  ')],
    ['file', `${origin!.path}, version ${origin!.version}, line ${line}`],
    ['landed', `${origin!.landedAt}, sha256 ${origin!.sha256.slice(0, 16)}…`],
  ];
  for (const [name, value] of facts) terminal.line(`  ${style.dim(name.padEnd(8))}${value}`);
  terminal.line(`  ${style.dim('The line as it was received:')}`);
  terminal.line(`  ${visible(text.split('\r\n')[line - 1]!)}`);
}

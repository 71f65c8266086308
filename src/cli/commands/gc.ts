/** `granary gc`. */
import { formatBytes, formatCount } from '../../lib/units.ts';
import { findGarbage } from '../../runtime/gc.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { withRuntime } from '../open.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const remove = call.options.on('remove');
  const byReason = new Map<string, { files: number; bytes: number; example: string }>();
  await withRuntime(call, async (runtime) => {
    for await (const g of findGarbage(runtime)) {
      call.signal.throwIfAborted();
      const sum = byReason.get(g.reason) ?? { files: 0, bytes: 0, example: g.name };
      byReason.set(g.reason, { ...sum, files: sum.files + 1, bytes: sum.bytes + g.bytes });
      if (remove) await g.remove();
    }
  });
  const found = [...byReason].map(([reason, sum]) => ({ reason, ...sum }));
  const bytes = found.reduce((n, f) => n + f.bytes, 0);
  terminal.document({ removed: remove, bytes, found });
  if (found.length === 0) terminal.line('There is nothing to remove.');
  else {
    terminal.table(
      [
        { title: 'files', align: 'right' },
        { title: 'bytes', align: 'right' },
        { title: 'what' },
        { title: 'for example', flexible: true },
      ],
      found.map((f) => [formatCount(f.files), formatBytes(f.bytes), f.reason, f.example]),
    );
    terminal.line();
    terminal.line(
      remove ? `${formatBytes(bytes)} removed.` : `${formatBytes(bytes)} can be removed: granary gc --remove`,
    );
  }
  return EXIT.ok;
}

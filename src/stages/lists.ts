/** Lists that a distributed Map reads: one JSON document a line, in the object store. */
import type { StageContext } from './context.ts';

/** Replaces what an earlier attempt has written. */
export async function writeList(key: string, items: readonly unknown[], { objects }: StageContext): Promise<void> {
  const lines = items.map((item) => `${JSON.stringify(item)}\n`);
  await objects.put(key, Buffer.from(lines.join('')), { replace: true });
}

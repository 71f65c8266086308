/** Writes of the state store, typed. */
import type { Collection, Condition, Doc, Write } from '../ports/state-store.ts';

export function removeWrite<T extends Doc>(collection: Collection<T>, id: string, condition?: Condition): Write {
  return { remove: { collection: collection as unknown as Collection<never>, id, ...(condition && { condition }) } };
}

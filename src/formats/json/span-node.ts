/** What a SpanParser looks for, and the kinds of value that it finds. */

export const ABSENT = 0;
export const NULL = 1;
/** A string without escapes; the span is what stands between its quotes. */
export const PLAIN_STRING = 2;
/** A string with escapes; the span includes its quotes. */
export const ESCAPED_STRING = 3;
/** A number, true or false. */
export const SCALAR = 4;
export const OBJECT = 5;
export const ARRAY = 6;

/** What to note: the value at a node if it has a slot, and values below it by key. */
export interface SpanNode {
  slot: number;
  /** Slots of all nodes below: forgotten when the node's key occurs again. */
  below: number[];
  children: SpanChild[];
}

export interface SpanChild {
  key: string;
  /** The key as UTF-8, as it stands in most JSON: unescaped. */
  bytes: Uint8Array;
  node: SpanNode;
}

export function spanNode(slot = -1): SpanNode {
  return { slot, below: [], children: [] };
}

/** Adds a path of keys below `root`; no keys mean `root` itself. */
export function addPath(root: SpanNode, keys: readonly string[], slot: number): void {
  let node = root;
  for (const key of keys) {
    node.below.push(slot);
    let child = node.children.find((c) => c.key === key);
    if (!child) {
      child = { key, bytes: Buffer.from(key, 'utf8'), node: spanNode() };
      node.children.push(child);
    }
    node = child.node;
  }
  node.slot = slot;
}

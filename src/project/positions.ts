/** Where a value of the configuration was written, when it may have been merged from a file and an environment's overrides. */
import { type Document, isMap, isScalar, isSeq, type Node } from 'yaml';
import type { Path } from '../lib/spec/common.ts';
import type { Position } from './problems.ts';
import { isMergeKey, mergeSources, positionAt, startOf, target, type YamlFile } from './yaml-file.ts';

/** A tree within a file: the value at `at` is the root that paths start from. */
export interface Layer {
  yaml: YamlFile;
  at: Path;
}

interface Found {
  yaml: YamlFile;
  key: Node | undefined;
  value: Node | undefined;
  /** How many steps of the path were there. */
  depth: number;
}

/**
 * The position of the value at `path`, or of its key; where the path ends before (a value that a shorthand stands for, a missing field)
 * that of the deepest value there is. Later layers override earlier ones.
 */
export function locate(layers: Layer[], path: Path, atKey = false): Position {
  let best: Found | undefined;
  for (const layer of layers) {
    const found = walk(layer, path);
    if (!best || found.depth > best.depth || (found.depth === best.depth && !(isMap(found.value) && isMap(best.value))))
      best = found;
  }
  if (!best) throw new Error('locate needs a layer');
  const node = atKey && best.depth === path.length ? (best.key ?? best.value) : (best.value ?? best.key);
  return positionAt(best.yaml, node && path.length > 0 ? startOf(node) : 0);
}

function walk({ yaml, at }: Layer, path: Path): Found {
  const { document } = yaml;
  let found: Found = { yaml, key: undefined, value: target(document.contents, document), depth: -at.length };
  for (const step of [...at, ...path]) {
    const next = child(found.value, step, document);
    if (!next) break;
    found = { yaml, key: next.key, value: target(next.value, document), depth: found.depth + 1 };
  }
  return found;
}

function child(
  node: Node | undefined,
  step: string | number,
  document: Document,
): { key?: Node; value: unknown } | undefined {
  if (isSeq(node))
    return typeof step === 'number' && step < node.items.length ? { value: node.items[step] } : undefined;
  if (!isMap(node)) return undefined;
  const name = String(step);
  for (const { key, value } of node.items)
    if (isScalar(key) && (key.source ?? String(key.value)) === name) return { key, value };
  for (const { key, value } of node.items) {
    if (!isMergeKey(key)) continue;
    for (const source of mergeSources(value, document)) {
      const inherited = child(source, step, document);
      if (inherited) return inherited;
    }
  }
  return undefined;
}

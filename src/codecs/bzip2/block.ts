/**
 * One bzip2 block: Huffman and move-to-front decoding, the inverse Burrows-Wheeler transform, run-length decoding.
 * Format as in J. Tsai, "BZIP2: Format Specification" (2016), section numbers below. Throws `BlockError` on anything the format does not allow.
 */
import type { BitReader } from './bits.ts';

/** What is wrong with a block, as a clause. */
export class BlockError extends Error {}

const RUN_A = 0;
const RUN_B = 1;
const GROUP_SIZE = 50;
const MAX_CODE_BITS = 20;
/** Codes up to this length are decoded by one table look-up. */
const FAST_BITS = 11;
const OUTPUT_BYTES = 2 ** 20;

/** A block before run-length decoding. */
export interface Block {
  /** Low 8 bits: a byte of the last column; high 24: the index of the next one. */
  links: Uint32Array;
  length: number;
  /** Index of the first link. */
  start: number;
}

/** Decodes what follows the block's CRC. `links` is scratch memory with room for the largest block of the stream. */
export function readBlock(bits: BitReader, links: Uint32Array): Block {
  if (bits.read(1)) throw new BlockError('it uses the randomisation of bzip2 0.9, which is no longer supported');
  const origin = bits.read(24);
  const alphabet = readAlphabet(bits);
  const groups = bits.read(3);
  if (groups < 2 || groups > 6) throw new BlockError('a block has an impossible number of Huffman tables');
  const selectors = readSelectors(bits, groups);
  const tables: Huffman[] = [];
  for (let i = 0; i < groups; i++) tables.push(readHuffman(bits, alphabet.length + 2));
  const length = readSymbols(bits, alphabet, selectors, tables, links);
  if (origin >= length) throw new BlockError('the origin of a block lies outside it');
  invertTransform(links, length);
  return { links, length, start: links[origin]! >>> 8 };
}

/** 2.2.2: the bytes that occur in the block, in order. */
function readAlphabet(bits: BitReader): Uint8Array {
  const ranges = bits.read(16);
  const used: number[] = [];
  for (let range = 0; range < 16; range++) {
    if (!(ranges & (0x8000 >> range))) continue;
    const members = bits.read(16);
    for (let i = 0; i < 16; i++) if (members & (0x8000 >> i)) used.push(range * 16 + i);
  }
  if (used.length === 0) throw new BlockError('a block has an empty alphabet');
  return Uint8Array.from(used);
}

/** 2.2.3: which table decodes each group of 50 symbols, move-to-front coded. */
function readSelectors(bits: BitReader, groups: number): Uint8Array {
  const count = bits.read(15);
  if (count === 0) throw new BlockError('a block has no Huffman selectors');
  const order = Array.from({ length: groups }, (_, i) => i);
  const selectors = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    let position = 0;
    while (bits.read(1)) if (++position >= groups) throw new BlockError('a Huffman selector is out of range');
    const [table] = order.splice(position, 1);
    order.unshift(table!);
    selectors[i] = table!;
  }
  return selectors;
}

interface Huffman {
  /** By the next FAST_BITS bits: symbol * 32 + code length; 0 for longer codes. */
  fast: Uint16Array;
  /** By code length: the largest code of that length left-aligned to MAX_CODE_BITS, and what takes a code to its index in `symbols`. */
  limit: Int32Array;
  offset: Int32Array;
  symbols: Uint16Array;
}

/** 2.2.4: code lengths, delta coded; codes are canonical. */
function readHuffman(bits: BitReader, alphabetSize: number): Huffman {
  const lengths = new Uint8Array(alphabetSize);
  let length = bits.read(5);
  for (let symbol = 0; symbol < alphabetSize; symbol++) {
    while (bits.read(1)) length += bits.read(1) ? -1 : 1;
    if (length < 1 || length > MAX_CODE_BITS) throw new BlockError('a Huffman code has an impossible length');
    lengths[symbol] = length;
  }
  const table: Huffman = {
    fast: new Uint16Array(2 ** FAST_BITS),
    limit: new Int32Array(MAX_CODE_BITS + 1).fill(-1),
    offset: new Int32Array(MAX_CODE_BITS + 1),
    symbols: new Uint16Array(alphabetSize),
  };
  let code = 0;
  let index = 0;
  for (let bitCount = 1; bitCount <= MAX_CODE_BITS; bitCount++) {
    table.offset[bitCount] = index - code;
    for (let symbol = 0; symbol < alphabetSize; symbol++) {
      if (lengths[symbol] !== bitCount) continue;
      if (code >= 2 ** bitCount) throw new BlockError('a Huffman table has too many codes');
      table.symbols[index++] = symbol;
      if (bitCount <= FAST_BITS) {
        const from = code << (FAST_BITS - bitCount);
        table.fast.fill(symbol * 32 + bitCount, from, from + (1 << (FAST_BITS - bitCount)));
      }
      code++;
    }
    table.limit[bitCount] = (code << (MAX_CODE_BITS - bitCount)) - 1;
    code *= 2;
  }
  return table;
}

/** 2.2.5: symbols to bytes of the last column, into the low 8 bits of `links`. Returns how many. */
function readSymbols(
  bits: BitReader,
  alphabet: Uint8Array,
  selectors: Uint8Array,
  tables: Huffman[],
  links: Uint32Array,
): number {
  const front = Uint8Array.from(alphabet);
  const endOfBlock = alphabet.length + 1;
  let length = 0;
  let run = 0;
  let runBit = 1;
  for (const selector of selectors) {
    const table = tables[selector]!;
    for (let i = 0; i < GROUP_SIZE; i++) {
      const symbol = readCode(bits, table);
      if (symbol <= RUN_B) {
        if (runBit > 2 ** 21) throw new BlockError('a run is longer than its block');
        run += symbol === RUN_A ? runBit : runBit * 2;
        runBit *= 2;
        continue;
      }
      if (run > 0) {
        if (length + run > links.length) throw new BlockError('a block is longer than its limit');
        links.fill(front[0]!, length, length + run);
        length += run;
        run = 0;
        runBit = 1;
      }
      if (symbol === endOfBlock) return length;
      if (length >= links.length) throw new BlockError('a block is longer than its limit');
      const position = symbol - 1;
      const byte = front[position]!;
      front.copyWithin(1, 0, position);
      front[0] = byte;
      links[length++] = byte;
    }
  }
  throw new BlockError('a block has no end');
}

function readCode(bits: BitReader, table: Huffman): number {
  const ahead = bits.peek(MAX_CODE_BITS);
  const fast = table.fast[ahead >>> (MAX_CODE_BITS - FAST_BITS)]!;
  if (fast !== 0) {
    bits.skip(fast & 31);
    return fast >>> 5;
  }
  for (let length = FAST_BITS + 1; length <= MAX_CODE_BITS; length++) {
    if (ahead > table.limit[length]!) continue;
    bits.skip(length);
    return table.symbols[(ahead >>> (MAX_CODE_BITS - length)) + table.offset[length]!]!;
  }
  throw new BlockError('a Huffman code is not in its table');
}

/** Makes of the last column the chain that leads through the block in its original order. */
function invertTransform(links: Uint32Array, length: number): void {
  const next = new Uint32Array(256);
  for (let i = 0; i < length; i++) next[links[i]! & 0xff]!++;
  for (let byte = 0, sum = 0; byte < 256; byte++) {
    const count = next[byte]!;
    next[byte] = sum;
    sum += count;
  }
  for (let i = 0; i < length; i++) {
    const at = next[links[i]! & 0xff]!++;
    links[at]! |= i << 8;
  }
}

/** 2.1: the block's bytes, four equal ones being followed by a count of further ones, in pieces of 1 MiB. */
export function* expandRuns(block: Block): Generator<Buffer> {
  const { links, length } = block;
  let output = Buffer.allocUnsafe(OUTPUT_BYTES);
  let used = 0;
  let at = block.start;
  let previous = -1;
  let equal = 0;
  for (let i = 0; i < length; i++) {
    const link = links[at]!;
    const byte = link & 0xff;
    at = link >>> 8;
    if (used + 255 > OUTPUT_BYTES) {
      yield output.subarray(0, used);
      output = Buffer.allocUnsafe(OUTPUT_BYTES);
      used = 0;
    }
    if (equal === 4) {
      output.fill(previous, used, used + byte);
      used += byte;
      equal = 0;
      previous = -1;
      continue;
    }
    equal = byte === previous ? equal + 1 : 1;
    previous = byte;
    output[used++] = byte;
  }
  if (used > 0) yield output.subarray(0, used);
}

/** The layout of the memory that the scanner shares with scanner.as, which says the same. */

/** Deeper than any document that means something; what is open is kept in memory. */
export const MOST_LEVELS = 10_000;

/** Where things are in the memory. */
export const AT = {
  nameBytes: 2048,
  flags: 2560,
  levels: 4096,
  symbols: 8192,
  special: 12288,
  starts: 16384,
  hashes: 20992,
  slots: 28672,
  pool: 65536,
  transitions: 131072,
  states: 204800,
  open: 245760,
  contents: 286720,
  keep: 327680,
  events: 344064,
  cellStarts: 606208,
  cellEnds: 607232,
  cellKinds: 608256,
  fields: 608512,
  textColumns: 609536,
  attributeRows: 610560,
  attributeColumns: 611584,
  shared: 648448,
  lines: 655360,
  ordinals: 720896,
  bits: 786432,
  used: 1310720,
  values: 1376256,
  window: 5570560,
};
/** A scan looks at so many bytes at once, and so beyond the end. */
export const OVERSHOOT = 32;
export const NAMES = 1024;
export const POOL_BYTES = 65536;
export const SLOTS = 4096;
export const STATES = 256;
export const ATTRIBUTE_ROWS = 16;
/** Records with more columns have no cells here. */
export const MOST_COLUMNS = 256;
export const SYMBOLS = 64;
export const DEPTHS = MOST_LEVELS + 2;
export const PAGE = 65536;

/** Kinds of events, and how many numbers each takes: its kind, and what scanner.as says. */
export const EVENT = { opened: 1, attribute: 2, value: 3, closed: 4, size: 6 } as const;

/** Numbers that are shared with scanner.as, by their index in `shared`. */
export const SHARED = {
  ordinal: 0,
  ownPosition: 1,
  recordStart: 2,
  recordLine: 3,
  lastLine: 4,
  sharesLines: 5,
  repeated: 6,
  needsHost: 7,
  rows: 8,
  pageFull: 9,
  count: 10,
} as const;

/** Why the parser must see to the next row: bits of `needsHost`. */
export const NEEDS = { prefix: 1, record: 2 } as const;

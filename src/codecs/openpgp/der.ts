/** The little of DER (X.690) that keys and signatures need to enter `node:crypto`. */

export function sequence(...items: Buffer[]): Buffer {
  return element(0x30, Buffer.concat(items));
}

/** A non-negative integer from its big-endian bytes. */
export function integer(bytes: Buffer): Buffer {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const digits = bytes.subarray(from);
  const positive = digits.length === 0 || digits[0]! & 0x80 ? [Buffer.alloc(1), digits] : [digits];
  return element(0x02, Buffer.concat(positive));
}

export function bitString(bytes: Buffer): Buffer {
  return element(0x03, Buffer.concat([Buffer.alloc(1), bytes]));
}

/** An object identifier from its encoded contents in hex. */
export function objectIdentifier(contents: Buffer | string): Buffer {
  return element(0x06, typeof contents === 'string' ? Buffer.from(contents, 'hex') : contents);
}

function element(tag: number, contents: Buffer): Buffer {
  const n = contents.length;
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), contents]);
}

/** Shapes as well-known text, the way `ST_AsText` writes them, from well-known binary. */
import { GranaryError } from '../../../lib/errors.ts';
import { doubleText } from './number-text.ts';

const NAMES = [
  '',
  'POINT',
  'LINESTRING',
  'POLYGON',
  'MULTIPOINT',
  'MULTILINESTRING',
  'MULTIPOLYGON',
  'GEOMETRYCOLLECTION',
];

class Shape {
  readonly #bytes: Buffer;
  #p: number;

  constructor(bytes: Buffer, p: number) {
    this.#bytes = bytes;
    this.#p = p;
  }

  whole(): string {
    const type = this.#type();
    const body = this.#body(type);
    return `${NAMES[type]}${body}`;
  }

  #type(): number {
    const type = this.#bytes.readUInt32LE(this.#p + 1);
    if (this.#bytes[this.#p] !== 1 || type < 1 || type > 7)
      throw new GranaryError('connector.protocol', 'The binary log has a shape of an unknown kind.');
    this.#p += 5;
    return type;
  }

  #body(type: number): string {
    switch (type) {
      case 1:
        return `(${this.#point()})`;
      case 2:
        return this.#list(() => this.#point());
      case 3:
        return this.#list(() => this.#body(2));
      case 4:
        return this.#list(() => {
          this.#type();
          return this.#point();
        });
      case 7:
        return this.#list(() => this.whole());
      default:
        return this.#list(() => this.#body(this.#type()));
    }
  }

  #list(one: () => string): string {
    const count = this.#bytes.readUInt32LE(this.#p);
    this.#p += 4;
    if (count === 0) return ' EMPTY';
    return `(${Array.from({ length: count }, one).join(',')})`;
  }

  #point(): string {
    const [x, y] = [this.#bytes.readDoubleLE(this.#p), this.#bytes.readDoubleLE(this.#p + 8)];
    this.#p += 16;
    return `${doubleText(x)} ${doubleText(y)}`;
  }
}

/** `start`: of the reference system, four bytes, before the shape. */
export const wellKnownText = (bytes: Buffer, start: number): string => new Shape(bytes, start + 4).whole();

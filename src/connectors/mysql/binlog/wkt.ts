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

/** What MySQL writes in another way. */
interface Style {
  /** Points of a MULTIPOINT have brackets of their own. */
  brackets: boolean;
  /** Latitude comes first; stored it comes second. */
  latitudeFirst: boolean;
}

class Shape {
  readonly #bytes: Buffer;
  readonly #style: Style;
  #p: number;

  constructor(bytes: Buffer, p: number, style: Style) {
    this.#bytes = bytes;
    this.#p = p;
    this.#style = style;
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
          return this.#style.brackets ? `(${this.#point()})` : this.#point();
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
    return this.#style.latitudeFirst ? `${doubleText(y)} ${doubleText(x)}` : `${doubleText(x)} ${doubleText(y)}`;
  }
}

/** World geodetic system, in which MySQL writes the latitude first. */
const WGS84 = 4326;

/** `start`: of the reference system, four bytes, before the shape. Error: `connector.protocol` for reference systems of MySQL whose order is not known. */
export function wellKnownText(bytes: Buffer, start: number, isMariaDb: boolean): string {
  const system = isMariaDb ? 0 : bytes.readUInt32LE(start);
  if (system !== 0 && system !== WGS84)
    throw new GranaryError(
      'connector.protocol',
      `Shapes in the reference system ${system} cannot be read from the binary log.`,
      {
        hint: 'Leave the column out of the contract, or read the table by a watermark.',
      },
    );
  return new Shape(bytes, start + 4, { brackets: !isMariaDb, latitudeFirst: system === WGS84 }).whole();
}

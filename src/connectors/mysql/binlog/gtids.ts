/**
 * Which transactions were read. MariaDB: the last one of every domain, `0-1-42,7-3-9`. MySQL: intervals of every server that has written,
 * `3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7,…`.
 * https://mariadb.com/kb/en/gtid/, https://dev.mysql.com/doc/refman/en/replication-gtids-concepts.html
 */
import { GranaryError } from '../../../lib/errors.ts';

/** The number of a transaction in the log: `space` is a domain, or the UUID of a server. */
export interface Gtid {
  space: string;
  sequence: bigint;
}

export interface Gtids {
  /** In one order, so that equal ones are the same. */
  readonly text: string;
  /** A transaction was read. `serverId` is that of who has written it. */
  add(gtid: Gtid, serverId: number): void;
  /** Whether all that the other has was read. */
  includes(other: Gtids): boolean;
}

export class MariaDbGtids implements Gtids {
  readonly #last: Map<string, string>;

  constructor(text: string) {
    const parts = text.split(',').map((part) => part.trim());
    this.#last = new Map(parts.filter(Boolean).map((part) => [part.split('-')[0]!, part]));
  }

  get text(): string {
    return [...this.#last]
      .sort(([a], [b]) => Number(a) - Number(b))
      .map(([, last]) => last)
      .join(',');
  }

  add({ space, sequence }: Gtid, serverId: number): void {
    this.#last.set(space, `${space}-${serverId}-${sequence}`);
  }

  includes(other: Gtids): boolean {
    const sequence = (last: string | undefined) => BigInt(last?.split('-')[2] ?? -1);
    return [...(other as MariaDbGtids).#last].every(
      ([space, last]) => sequence(this.#last.get(space)) >= sequence(last),
    );
  }
}

/** From the first to the last, both included. */
type Interval = [first: bigint, last: bigint];

export class MysqlGtids implements Gtids {
  readonly #intervals = new Map<string, Interval[]>();

  /** Error: `connector.unsupported` for GTIDs with tags. */
  constructor(text: string) {
    for (const part of text.split(',')) {
      const [space = '', ...intervals] = part.split(':').map((s) => s.trim());
      if (space === '') continue;
      const list = intervals.map((interval): Interval => {
        const m = /^(\d+)(?:-(\d+))?$/.exec(interval);
        if (!m) throw taggedError(interval);
        return [BigInt(m[1]!), BigInt(m[2] ?? m[1]!)];
      });
      this.#intervals.set(
        space.toLowerCase(),
        list.sort(([a], [b]) => (a < b ? -1 : 1)),
      );
    }
  }

  get text(): string {
    return [...this.#intervals]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([space, list]) => `${space}:${list.map(([a, b]) => (a === b ? a : `${a}-${b}`)).join(':')}`)
      .join(',');
  }

  add({ space, sequence }: Gtid): void {
    const list = this.#intervals.get(space) ?? [];
    const last = list.at(-1);
    // As nearly always: the next one.
    if (last && sequence === last[1] + 1n) {
      last[1] = sequence;
      return;
    }
    if (list.some(([a, b]) => a <= sequence && sequence <= b)) return;
    const merged: Interval[] = [];
    for (const [a, b] of [...list, [sequence, sequence] as Interval].sort(([x], [y]) => (x < y ? -1 : 1))) {
      const before = merged.at(-1);
      if (before && before[1] + 1n === a) before[1] = b;
      else merged.push([a, b]);
    }
    this.#intervals.set(space, merged);
  }

  includes(other: Gtids): boolean {
    return [...(other as MysqlGtids).#intervals].every(([space, list]) =>
      list.every(([a, b]) => this.#intervals.get(space)?.some(([c, d]) => c <= a && b <= d) ?? false),
    );
  }

  /** As `COM_BINLOG_DUMP_GTID` takes it: `Gtid_set::encode` in `sql/rpl_gtid_set.cc`. */
  encode(): Buffer {
    const number = (value: bigint | number) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(value));
      return bytes;
    };
    const spaces = [...this.#intervals].sort(([a], [b]) => (a < b ? -1 : 1));
    return Buffer.concat([
      number(spaces.length),
      ...spaces.flatMap(([space, list]) => [
        Buffer.from(space.replaceAll('-', ''), 'hex'),
        number(list.length),
        // The end is not in it.
        ...list.flatMap(([a, b]) => [number(a), number(b + 1n)]),
      ]),
    ]);
  }
}

export const taggedError = (found: string): GranaryError =>
  new GranaryError('connector.unsupported', `Transactions have GTIDs with tags (${found}), which cannot be followed.`, {
    hint: 'Let applications write with GTID_NEXT = AUTOMATIC, without a tag.',
  });

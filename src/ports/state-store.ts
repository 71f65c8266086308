/**
 * State store: small JSON documents in collections, with declared indexes, conditional writes and small transactions.
 * The shape of DynamoDB on purpose. Contract: `test/contracts/state-store.ts`.
 * - `transact` is all or nothing, at most 100 writes. A failed condition throws `state.conflict` and changes nothing.
 * - A write that has returned survives a kill of the process and of the machine.
 */
export interface StateStore {
  get<T extends Doc>(collection: Collection<T>, id: string): Promise<Versioned<T> | undefined>;
  put<T extends Doc>(collection: Collection<T>, doc: T, condition?: Condition): Promise<void>;
  remove<T extends Doc>(collection: Collection<T>, id: string, condition?: Condition): Promise<void>;
  transact(writes: Write[]): Promise<void>;
  /** Documents whose index fields equal the given values, in index order, then by id. No index: all, by id. */
  query<T extends Doc>(collection: Collection<T>, query?: Query): AsyncIterable<Versioned<T>>;
  close(): Promise<void>;
}

export interface Doc {
  id: string;
}
/** A document with its revision, a number that grows with every write. */
export type Versioned<T> = T & { readonly rev: number };

/** Declared once, in `model/`. Index fields are top-level properties of the document: strings or numbers. */
export interface Collection<T extends Doc> {
  name: string;
  indexes: Record<string, readonly (keyof T & string)[]>;
}

/** `absent`: no such document yet. `rev`: still the revision that was read. */
export type Condition = { absent: true } | { rev: number };

export type Write =
  | { put: { collection: Collection<never>; doc: Doc; condition?: Condition } }
  | { remove: { collection: Collection<never>; id: string; condition?: Condition } };

/** A typed `Write` that puts a document. */
export function putWrite<T extends Doc>(collection: Collection<T>, doc: T, condition?: Condition): Write {
  return { put: { collection: collection as unknown as Collection<never>, doc, ...(condition && { condition }) } };
}

export interface Query {
  index?: string;
  /** Values for a prefix of the index's fields. */
  equals?: readonly (string | number)[];
  descending?: boolean;
  limit?: number;
}

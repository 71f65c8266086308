/** What a statement in the log does to tables, as far as rows do not tell it. It does not have to be understood: what is in doubt is said to be. */

export interface NamedTable {
  database: string;
  table: string;
}

export type Statement =
  | { kind: 'begin' | 'commit' | 'rollback' | 'rollback to' | 'nothing' }
  | { kind: 'truncate' | 'drop' | 'create' | 'rename'; tables: NamedTable[] }
  | { kind: 'alter'; tables: NamedTable[]; alter: Alter }
  | { kind: 'drop database'; database: string }
  | { kind: 'xa commit' | 'xa rollback'; xid: string }
  /** It may change rows, or anything else, of tables whose names are among these words (in lower case). */
  | { kind: 'unknown'; words: ReadonlySet<string> };

export interface Alter {
  /** Rows that are there may have changed, whatever their columns. */
  changesRows: boolean;
  /** Columns whose values may have changed, in lower case, and the new ones. */
  columns: ReadonlySet<string>;
  added: string[];
}

interface Token {
  kind: 'word' | 'name' | 'text' | 'sign';
  text: string;
}

const TOKEN =
  /\s+|--[ \t][^\n]*|#[^\n]*|\/\*M?!\d*|\*\/|\/\*[\s\S]*?\*\/|`((?:[^`]|``)*)`|"((?:[^"\\]|\\[\s\S]|"")*)"|'((?:[^'\\]|\\[\s\S]|'')*)'|([\p{L}\p{N}_$@]+)|([\s\S])/gu;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (const [, backquoted, quoted, string, word, sign] of text.matchAll(TOKEN)) {
    if (backquoted !== undefined) tokens.push({ kind: 'name', text: backquoted.replaceAll('``', '`') });
    else if (quoted !== undefined) tokens.push({ kind: 'name', text: quoted.replaceAll('""', '"') });
    else if (string !== undefined) tokens.push({ kind: 'text', text: string });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign });
  }
  return tokens;
}

/** `BEGIN` and `COMMIT` come with every transaction. */
const PLAIN = new Map<string, Statement>([
  ['BEGIN', { kind: 'begin' }],
  ['START TRANSACTION', { kind: 'begin' }],
  ['COMMIT', { kind: 'commit' }],
  ['ROLLBACK', { kind: 'rollback' }],
]);

/** Statements that change no rows: of users, programs, views, indexes, statistics. */
const HARMLESS = new RegExp(
  [
    '^(GRANT|REVOKE|FLUSH|ANALYZE|OPTIMIZE|REPAIR|CHECK|SAVEPOINT|RELEASE|SET|USE',
    '|(CREATE|ALTER|DROP)( OR REPLACE| AGGREGATE| UNIQUE| FULLTEXT| SPATIAL| ONLINE| OFFLINE| DEFINER = \\S+( @ \\S+| \\( \\))?',
    '| ALGORITHM = \\S+| SQL SECURITY \\S+)* (USER|ROLE|VIEW|TRIGGER|PROCEDURE|FUNCTION|EVENT|INDEX|SERVER|SEQUENCE|PACKAGE|TABLESPACE|LOGFILE)',
    '|(CREATE|ALTER)( OR REPLACE)? (DATABASE|SCHEMA))\\b',
  ].join(''),
);

export function understand(database: string, text: string): Statement {
  const plain = PLAIN.get(text);
  if (plain) return plain;
  const tokens = withoutSettings(tokensOf(text));
  const head = tokens
    .slice(0, 16)
    .map((t) => (t.kind === 'word' ? t.text.toUpperCase() : t.kind === 'sign' ? t.text : 'x'))
    .join(' ');
  if (/^XA /.test(head)) return xa(head, text);
  if (/^ROLLBACK( WORK)? TO\b/.test(head)) return { kind: 'rollback to' };
  if (PLAIN.has(head)) return PLAIN.get(head)!;
  if (/^DROP TEMPORARY TABLE|^CREATE( OR REPLACE)? TEMPORARY TABLE/.test(head) || HARMLESS.test(head))
    return { kind: 'nothing' };
  const parser = new Parser(tokens, database);
  if (parser.skip('TRUNCATE')) {
    parser.skip('TABLE');
    return { kind: 'truncate', tables: [parser.table()] };
  }
  if (/^DROP (DATABASE|SCHEMA)\b/.test(head)) {
    parser.skip('DROP');
    parser.take();
    parser.skipIfExists();
    return { kind: 'drop database', database: parser.take()?.text ?? '' };
  }
  if (/^DROP TABLES?\b/.test(head)) {
    parser.skip('DROP');
    parser.take();
    parser.skipIfExists();
    return { kind: 'drop', tables: parser.tables() };
  }
  if (/^RENAME TABLES?\b/.test(head)) {
    parser.skip('RENAME');
    parser.take();
    parser.skipIfExists();
    return { kind: 'rename', tables: parser.tables() };
  }
  if (/^CREATE( OR REPLACE)? TABLE\b/.test(head)) {
    while (!parser.skip('TABLE')) parser.take();
    parser.skipIfExists();
    return { kind: 'create', tables: [parser.table()] };
  }
  if (/^ALTER( ONLINE| OFFLINE| IGNORE)* TABLE\b/.test(head)) {
    while (!parser.skip('TABLE')) parser.take();
    parser.skipIfExists();
    // With IGNORE, rows that a new key does not allow are removed.
    return parser.alter(/^ALTER( ONLINE| OFFLINE)* IGNORE\b/.test(head));
  }
  const words = tokens.filter((t) => t.kind === 'word' || t.kind === 'name').map((t) => t.text.toLowerCase());
  return { kind: 'unknown', words: new Set(words) };
}

/** `SET STATEMENT lock_wait_timeout = 1 FOR TRUNCATE orders` */
function withoutSettings(tokens: Token[]): Token[] {
  const words = tokens.map((t) => (t.kind === 'word' ? t.text.toUpperCase() : ''));
  return words[0] === 'SET' && words[1] === 'STATEMENT' ? tokens.slice(words.indexOf('FOR') + 1) : tokens;
}

function xa(head: string, text: string): Statement {
  const xid = text.replace(/^\s*XA\s+\S+\s+/i, '').trim();
  // As MySQL begins it; MariaDB says it with the number of the transaction.
  if (/^XA (START|BEGIN)\b/.test(head)) return { kind: 'begin' };
  if (head.startsWith('XA COMMIT')) return { kind: 'xa commit', xid };
  if (head.startsWith('XA ROLLBACK')) return { kind: 'xa rollback', xid };
  return { kind: 'nothing' };
}

class Parser {
  readonly #tokens: Token[];
  readonly #database: string;
  #at = 0;

  constructor(tokens: Token[], database: string) {
    this.#tokens = tokens;
    this.#database = database;
  }

  take(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  #is(word: string, ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead];
    return token !== undefined && token.kind !== 'name' && token.kind !== 'text' && token.text.toUpperCase() === word;
  }

  /** Whether these words came. */
  skip(...words: string[]): boolean {
    if (!words.every((word, i) => this.#is(word, i))) return false;
    this.#at += words.length;
    return true;
  }

  skipIfExists(): void {
    this.skip('IF', 'EXISTS') || this.skip('IF', 'NOT', 'EXISTS');
  }

  table(): NamedTable {
    const first = this.take()?.text ?? '';
    if (!this.skip('.')) return { database: this.#database, table: first };
    return { database: first, table: this.take()?.text ?? '' };
  }

  /** `a, b`, or `a TO b, c TO d`: all of them. */
  tables(): NamedTable[] {
    const tables = [this.table()];
    while (this.#at < this.#tokens.length) {
      this.skip('WAIT') ? this.take() : this.skip('NOWAIT');
      if (this.skip(',') || this.skip('TO')) tables.push(this.table());
      else break;
    }
    return tables;
  }

  alter(removesRows: boolean): Statement {
    const tables = [this.table()];
    const columns = new Set<string>();
    const added: string[] = [];
    let changesRows = removesRows;
    this.skip('WAIT') ? this.take() : this.skip('NOWAIT');
    for (const clause of this.#clauses()) {
      const parser = new Parser(clause, this.#database);
      if (parser.#isHarmless()) continue;
      const other = parser.#otherTable();
      if (other) tables.push(other);
      if (parser.#renamesTable()) {
        tables.push(parser.table());
        changesRows = true;
      } else if (parser.skip('ADD')) for (const name of parser.#addedColumns()) added.push(name);
      else if (parser.#isOfColumns()) {
        for (const { kind, text } of clause) if (kind === 'word' || kind === 'name') columns.add(text.toLowerCase());
      } else changesRows = true;
    }
    for (const name of added) columns.add(name.toLowerCase());
    return { kind: 'alter', tables, alter: { changesRows, columns, added } };
  }

  /** What stands between commas that are in no parentheses. */
  #clauses(): Token[][] {
    const clauses: Token[][] = [[]];
    let depth = 0;
    for (const token of this.#tokens.slice(this.#at)) {
      if (token.kind === 'sign' && token.text === '(') depth++;
      if (token.kind === 'sign' && token.text === ')') depth--;
      if (depth === 0 && token.kind === 'sign' && token.text === ',') clauses.push([]);
      else clauses.at(-1)!.push(token);
    }
    return clauses.filter((clause) => clause.length > 0);
  }

  #isHarmless(): boolean {
    const words = this.#tokens.map((t) =>
      t.kind === 'word' ? t.text.toUpperCase() : t.kind === 'sign' ? t.text : 'x',
    );
    return /^(ADD( UNIQUE| FULLTEXT| SPATIAL)* (INDEX|KEY|CONSTRAINT|PRIMARY|FOREIGN|CHECK|PARTITION|UNIQUE|FULLTEXT|SPATIAL)\b|DROP (INDEX|KEY|CONSTRAINT|FOREIGN|PRIMARY|CHECK)\b|RENAME (INDEX|KEY)\b|ALTER (INDEX|KEY)\b|ALTER (COLUMN )?\S+ (SET|DROP) DEFAULT|COMMENT\b|(DEFAULT )?(CHARACTER SET|CHARSET|COLLATE)\b|ENGINE\b|AUTO_INCREMENT\b|ALGORITHM\b|LOCK\b|(ENABLE|DISABLE) KEYS|FORCE$|ROW_FORMAT\b|KEY_BLOCK_SIZE\b|STATS_\w+|PAGE_COMPRESS\w+|ENCRYPT\w+|MIN_ROWS|MAX_ROWS|CHECKSUM|PARTITION BY\b|REMOVE PARTITIONING|REORGANIZE PARTITION|(ANALYZE|CHECK|OPTIMIZE|REBUILD|REPAIR) PARTITION|WITH SYSTEM|NOWAIT$)/.test(
      words.join(' '),
    );
  }

  /** `EXCHANGE PARTITION p WITH TABLE b`, `CONVERT PARTITION p TO TABLE b`, `CONVERT TABLE b TO PARTITION p`: rows of both. */
  #otherTable(): NamedTable | undefined {
    if (!this.#is('EXCHANGE') && !this.#is('CONVERT')) return undefined;
    const at = this.#tokens.findIndex((t) => t.kind === 'word' && t.text.toUpperCase() === 'TABLE');
    return at < 0 ? undefined : new Parser(this.#tokens.slice(at + 1), this.#database).table();
  }

  #renamesTable(): boolean {
    return (
      (this.#is('RENAME') &&
        !this.#is('COLUMN', 1) &&
        this.skip('RENAME') &&
        (this.skip('TO') || this.skip('AS') || true)) ||
      false
    );
  }

  #isOfColumns(): boolean {
    return (
      this.#is('CHANGE') ||
      this.#is('MODIFY') ||
      (this.#is('RENAME') && this.#is('COLUMN', 1)) ||
      (this.#is('DROP') && !this.#is('PARTITION', 1) && !this.#is('SYSTEM', 1))
    );
  }

  /** `ADD COLUMN a int`, `ADD (a int, b int)`. */
  #addedColumns(): string[] {
    this.skip('COLUMN');
    this.skipIfExists();
    if (!this.skip('(')) return [this.take()?.text ?? ''];
    const names: string[] = [];
    let depth = 0;
    let begins = true;
    for (let token = this.take(); token; token = this.take()) {
      if (begins) names.push(token.text);
      begins = token.kind === 'sign' && token.text === ',' && depth === 0;
      if (token.kind === 'sign' && token.text === '(') depth++;
      if (token.kind === 'sign' && token.text === ')') depth--;
    }
    return names;
  }
}

/** SQL as tagged templates. Nothing is put into a statement without saying what it is. */

/** A piece of SQL that is safe to insert as it is. Made by the helpers below only. */
export class Sql {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** `sql\`SELECT ${ident(name)} FROM t WHERE a = ${literal(value)}\``; only Sql and numbers may stand in a placeholder. */
export function sql(strings: TemplateStringsArray, ...values: (Sql | number)[]): string {
  return strings.reduce((out, s, i) => out + s + (i < values.length ? String(values[i]) : ''), '');
}

/** A quoted identifier; several parts become `"a"."b"`. */
export function ident(...parts: string[]): Sql {
  return new Sql(parts.map((p) => `"${p.replaceAll('"', '""')}"`).join('.'));
}

/** A quoted literal: text, number, boolean, null, or a list of them. Numbers must be finite. */
export function literal(value: string | number | bigint | boolean | null | readonly (string | number | null)[]): Sql {
  if (value === null) return new Sql('NULL');
  if (Array.isArray(value)) return new Sql(`[${value.map((v) => literal(v).text).join(', ')}]`);
  if (typeof value === 'string') return new Sql(`'${value.replaceAll("'", "''")}'`);
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`not a SQL number: ${value}`);
  return new Sql(String(value));
}

/** An expression that a user wrote or that was planned elsewhere, inserted in parentheses-safe form as it is. */
export function raw(text: string): Sql {
  return new Sql(text);
}

export function join(parts: readonly (Sql | string)[], separator = ', '): Sql {
  return new Sql(parts.map(String).join(separator));
}

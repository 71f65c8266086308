/**
 * Secrets: what `${secret:NAME}` in a project stands for. Stores are asked in order; the first that knows a name wins.
 * Every value that a store returns has been given to `registerSecret` first, so that it cannot reach a log or a screen.
 */
export interface SecretStore {
  /** Where it looks, for messages: `the environment`, `/srv/shop/secrets.enc`. */
  readonly description: string;
  /** Undefined when the store does not know the name. A value is never empty. Errors: `secrets.*`, terminal. */
  get(name: string): Promise<string | undefined>;
  /** The names it knows, sorted, where it can tell. */
  list?(): Promise<string[]>;
}

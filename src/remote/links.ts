import { LimitError } from "../errors.ts";
import type { Registry } from "../name/mod.ts";
import { type Answer, checkLink, nextLink, redactUrl } from "../transport/mod.ts";
import type { Client } from "./client.ts";

/** Finds the next page of a list, only in the same registry (security rule 6) and never the same page twice. */
export class LinkFollower {
  readonly #client: Client;
  readonly #registry: Registry;
  readonly #seen = new Set<string>();

  /** Creates an instance for one list. */
  constructor(client: Client, registry: Registry) {
    this.#client = client;
    this.#registry = registry;
  }

  /**
   * Returns the URL of the next page, or `undefined` at the end of the list.
   *
   * @throws {UnsafeUrlError} if the URL is outside of the registry.
   * @throws {LimitError} if the URL has occurred before.
   * @throws {ProtocolError} if the `Link` header is malformed.
   */
  async next(answer: Answer): Promise<URL | undefined> {
    const { url } = answer;
    this.#seen.add(url.href);
    const next = nextLink(answer);
    if (next === undefined) return undefined;
    checkLink(next, (await this.#client.connection(this.#registry).ping()).base);
    if (this.#seen.has(next.href)) throw new LimitError(`GET ${redactUrl(url)}: the list goes round in circles`);
    return next;
  }
}

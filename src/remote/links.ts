import { LimitError } from "../errors.ts";
import type { Registry } from "../name/mod.ts";
import { type Answer, checkLink, nextLink, redactUrl } from "../transport/mod.ts";
import type { Client } from "./client.ts";

/** Finds the next page of a list, within the registry (security rule 6) and never the same page twice. */
export class LinkFollower {
  readonly #client: Client;
  readonly #registry: Registry;
  readonly #seen = new Set<string>();

  /** Makes it for one list. */
  constructor(client: Client, registry: Registry) {
    this.#client = client;
    this.#registry = registry;
  }

  /**
   * Where the list goes on after an answer; `undefined` at its end.
   *
   * @throws {UnsafeUrlError} when that is not the registry itself.
   * @throws {LimitError} when the list has been there already.
   * @throws {ProtocolError} when the `Link` header can't be read.
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

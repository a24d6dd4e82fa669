import { LimitError } from "../errors.ts";
import type { Registry } from "../name/mod.ts";
import { type Answer, checkLink, redactUrl, resolveLocation } from "../transport/mod.ts";
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
   */
  async next({ response, url }: Answer): Promise<URL | undefined> {
    this.#seen.add(url.href);
    const link = nextLink(response);
    if (link === undefined) return undefined;
    const next = resolveLocation(link, url);
    checkLink(next, (await this.#client.connection(this.#registry).ping()).base);
    if (this.#seen.has(next.href)) throw new LimitError(`GET ${redactUrl(url)}: the list goes round in circles`);
    return next;
  }
}

/** The target of the `next` link (RFC 8288); a link without `rel` counts, as registries send it. */
function nextLink(response: Response): string | undefined {
  for (const [, target, parameters] of (response.headers.get("link") ?? "").matchAll(/<([^>]*)>([^,<]*)/g)) {
    if (!/\brel\s*=/.test(parameters) || /\brel\s*=\s*"?next\b/i.test(parameters)) return target;
  }
  return undefined;
}

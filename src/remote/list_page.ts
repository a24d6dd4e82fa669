import { LimitError, ProtocolError } from "../errors.ts";
import { jsonObject, Limits, Tally } from "../io/mod.ts";
import type { Registry, Repository } from "../name/mod.ts";
import { checkLink, errorWords, nextLink, redactUrl } from "../transport/internal.ts";
import type { BodyLimit, WholeAnswer } from "../transport/mod.ts";
import type { Client } from "./client.ts";

/** One page of a list, whose fields are not validated yet. */
export interface ListPage {
  /** The fields of the JSON object. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The URL of the page, for errors. */
  readonly url: URL;
}

/**
 * Parses a response as a page of a list. A response that is not a list is never treated as an empty one, as a caller
 * may delete what a list does not contain.
 *
 * @param list the field with the list itself; `null` is an empty list, as docker-registry writes it
 * @throws {ProtocolError} if it is not a JSON object, holds errors, or lacks that field.
 */
export function parsePage({ bytes, url }: WholeAnswer, list: string): ListPage {
  const fields = jsonObject(new TextDecoder().decode(bytes));
  if (!fields) throw notAList(url, "it is not a JSON object");
  const { errors } = fields;
  if (errors !== undefined && errors !== null && !(Array.isArray(errors) && errors.length === 0)) {
    throw notAList(url, ["it holds errors", errorWords(errors)].filter((words) => words !== "").join(": "));
  }
  if (fields[list] === undefined) throw notAList(url, `it has no "${list}"`);
  return { fields, url };
}

/**
 * Returns the strings in a field of a page; none if it is `null` or missing. @throws {ProtocolError} if they are not
 * strings.
 */
export function textsOf({ fields, url }: ListPage, name: string): string[] {
  const value = fields[name] ?? [];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw notAList(url, `"${name}" is not a list of texts`);
}

/** Creates the error for a response that is not a list. */
export function notAList(url: URL, why: string): ProtocolError {
  return new ProtocolError(`GET ${redactUrl(url)}: the answer is not a list: ${why}`);
}

/**
 * Finds the next page of a list, only in the same registry (security rule 6), never the same page twice, and with bounds
 * on the number of pages and their bytes (rule 26).
 */
export class LinkFollower {
  readonly #client: Client;
  readonly #target: Registry | Repository;
  readonly #seen = new Set<string>();
  readonly #pages: Tally;
  readonly #bytes: Tally;

  /** Creates an instance for one list; `what` names the list in an error. */
  constructor(client: Client, target: Registry | Repository, { what, limit }: BodyLimit) {
    this.#client = client;
    this.#target = target;
    this.#pages = new Tally(Limits.pages, `the pages of ${what}`);
    this.#bytes = new Tally(limit, `the bytes of ${what}`);
  }

  /**
   * Returns the URL of the next page, or `undefined` at the end of the list.
   *
   * @throws {UnsafeUrlError} if the URL is outside of the registry.
   * @throws {LimitError} if the URL has occurred before, or the list is too long.
   * @throws {ProtocolError} if the `Link` header is malformed.
   */
  async next(answer: WholeAnswer): Promise<URL | undefined> {
    const { url } = answer;
    this.#pages.add(1);
    this.#bytes.add(answer.bytes.length + url.href.length);
    this.#seen.add(url.href);
    const next = nextLink(answer);
    if (next === undefined) return undefined;
    checkLink(next, (await (await this.#client.connection(this.#target)).ping()).base);
    if (this.#seen.has(next.href)) throw new LimitError(`GET ${redactUrl(url)}: the list's links form a cycle`);
    return next;
  }
}

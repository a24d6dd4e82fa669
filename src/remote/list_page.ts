import { ProtocolError } from "../errors.ts";
import { errorWords, redactUrl, type WholeAnswer } from "../transport/mod.ts";

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
  const fields = jsonObject(bytes);
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

/** Returns whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function jsonObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

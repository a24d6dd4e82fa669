import { ProtocolError } from "../errors.ts";
import { errorWords, redactUrl, type WholeAnswer } from "../transport/mod.ts";

/** One page of a list, its fields not checked yet. */
export interface ListPage {
  /** The fields of the JSON object. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Where the page is from, for errors. */
  readonly url: URL;
}

/**
 * Reads an answer that must be a page of a list. What is no list never counts as an empty one: a caller may delete what
 * a list does not name.
 *
 * @param list the field that has the list itself; `null` there is an empty list, as docker-registry writes it.
 * @throws {ProtocolError} when it is no JSON object, holds errors, or lacks that field.
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

/** Returns the texts in a field of a page; none for `null`, and where the field is missing. @throws {ProtocolError} */
export function textsOf({ fields, url }: ListPage, name: string): string[] {
  const value = fields[name] ?? [];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw notAList(url, `"${name}" is not a list of texts`);
}

/** Returns the error of an answer that is no list. */
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

import { decodeBase64 } from "@std/encoding/base64";
import { decodeBase64Url } from "@std/encoding/base64url";
import { AuthError, type GcraneErrorOptions } from "../errors.ts";
import { isObject } from "../io/mod.ts";

/** An object of JSON whose fields are not checked yet. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads an object of JSON that may hold secrets: neither the message nor the cause of an error repeats it.
 *
 * @param source what to call it in an error message: the path of a file, or who answered.
 * @throws {AuthError} when it is none.
 */
export function parseFields(text: string, source: string, options: Pick<GcraneErrorOptions, "hint"> = {}): Fields {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new AuthError(`${source}: it is not JSON`, options);
  }
  if (!isObject(parsed)) throw new AuthError(`${source}: it is not a JSON object`, options);
  return parsed;
}

/** A field that must be a text and not empty. @throws {AuthError} when it is not. */
export function textField(fields: Fields, name: string, source: string): string {
  const text = optionalTextField(fields, name, source);
  if (text === undefined) throw new AuthError(`${source}: "${name}" is missing`);
  return text;
}

/** A field that is a text, if it is there; an empty one counts as missing. @throws {AuthError} when it is no text. */
export function optionalTextField(fields: Fields, name: string, source: string): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw new AuthError(`${source}: "${name}" is not a text`);
  return value;
}

/** A field that is a number, or a text that reads as one; `undefined` when it is neither. */
export function numberField(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

/**
 * A field that is a moment as RFC 3339 has it, in milliseconds since the epoch.
 *
 * @throws {AuthError} when it is none.
 */
export function momentField(fields: Fields, name: string, source: string): number {
  const moment = Date.parse(textField(fields, name, source));
  if (Number.isNaN(moment)) throw new AuthError(`${source}: "${name}" is no time`);
  return moment;
}

/** Decodes text in base64, padded or not, with spaces or without; `undefined` where it is not base64 of UTF-8. */
export function base64Text(text: string): string | undefined {
  try {
    const bytes = decodeBase64(text.replace(/\s+/g, "").replace(/=+$/, ""));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Reads the claims of a JWT (RFC 7519) without verifying them; none where it can't be read. */
export function tokenClaims(token: string): Fields {
  try {
    const claims: unknown = JSON.parse(new TextDecoder().decode(decodeBase64Url(token.split(".")[1])));
    return isObject(claims) ? claims : {};
  } catch {
    return {};
  }
}

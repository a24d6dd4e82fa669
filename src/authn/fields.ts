import { decodeBase64 } from "@std/encoding/base64";
import { decodeBase64Url } from "@std/encoding/base64url";
import { AuthError, type GcraneErrorOptions } from "../errors.ts";
import { isObject } from "../io/mod.ts";

/** A JSON object with unchecked fields. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Parses a JSON object that may contain secrets: neither the message nor the cause of an error contains any of it.
 *
 * @param source its name in an error message: the path of a file, or the server.
 * @throws {AuthError} if it is not a JSON object.
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

/** Returns a required, non-empty string. @throws {AuthError} if it is missing or not a string. */
export function textField(fields: Fields, name: string, source: string): string {
  const text = optionalTextField(fields, name, source);
  if (text === undefined) throw new AuthError(`${source}: "${name}" is missing`);
  return text;
}

/** Returns an optional string; an empty one counts as missing. @throws {AuthError} if it is not a string. */
export function optionalTextField(fields: Fields, name: string, source: string): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw new AuthError(`${source}: "${name}" is not a text`);
  return value;
}

/** Returns a number, or a string that is one; `undefined` for anything else. */
export function numberField(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

/**
 * Returns an RFC 3339 time, in milliseconds since the epoch.
 *
 * @throws {AuthError} if it is missing or not a time.
 */
export function momentField(fields: Fields, name: string, source: string): number {
  const moment = Date.parse(textField(fields, name, source));
  if (Number.isNaN(moment)) throw new AuthError(`${source}: "${name}" is not a time`);
  return moment;
}

/** Decodes text in base64, padded or not, with or without spaces; `undefined` if it is not base64 of UTF-8. */
export function base64Text(text: string): string | undefined {
  try {
    const bytes = decodeBase64(text.replace(/\s+/g, "").replace(/=+$/, ""));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Returns the claims of a JWT (RFC 7519) without verifying them; `{}` if it is not valid. */
export function tokenClaims(token: string): Fields {
  try {
    const claims: unknown = JSON.parse(new TextDecoder().decode(decodeBase64Url(token.split(".")[1])));
    return isObject(claims) ? claims : {};
  } catch {
    return {};
  }
}

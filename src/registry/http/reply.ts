import type { ByteStream } from "../../runtime/mod.ts";
import { jsonBytes } from "../../spec/internal.ts";

/** The codes of an error body (distribution-spec, "Error Codes"). */
export type ErrorCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "DENIED"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "SIZE_INVALID"
  | "TOOMANYREQUESTS"
  | "UNAUTHORIZED"
  | "UNSUPPORTED"
  | "UNKNOWN";

/** The members of a refusal beside its code. */
export interface RefusalOptions {
  /** For people. */
  message: string;
  /**
   * For programs.
   * @default none
   */
  detail?: unknown;
  /**
   * Further headers.
   * @default none
   */
  headers?: Record<string, string>;
}

/** Options of {@linkcode replyBytes}. */
export interface ReplyOptions {
  /**
   * The status.
   * @default 200
   */
  status?: number;
  /** The media type of the body. */
  type: string;
  /** The number of the body's bytes. */
  size: number;
  /**
   * Further headers.
   * @default none
   */
  headers?: Record<string, string>;
}

/**
 * Makes a response with a body, or with the headers of one if the body is `null` because the request is a HEAD. It
 * always has a type and a length: some servers compress a response without a type, which loses its length.
 */
export function replyBytes(body: Uint8Array<ArrayBuffer> | ByteStream | null, options: ReplyOptions): Response {
  const { status = 200, type, size, headers } = options;
  return new Response(body, {
    status,
    headers: {
      "Content-Type": type,
      "Content-Length": String(size),
      "Docker-Distribution-API-Version": "registry/2.0",
      ...headers,
    },
  });
}

/** Makes a response of JSON. */
export function replyJson(value: unknown, options: { type?: string; headers?: Record<string, string> } = {}): Response {
  const { type = "application/json", headers } = options;
  const bytes = jsonBytes(value);
  return replyBytes(bytes, { type, size: bytes.length, headers });
}

/** Makes a response without a body: 201, 202 or 204. */
export function replyEmpty(status: number, headers: Record<string, string> = {}): Response {
  const response = replyBytes(null, { status, type: "text/plain; charset=utf-8", size: 0, headers });
  if (status === 204) response.headers.delete("Content-Length"); // RFC 9110, section 8.6: there must be none
  return response;
}

/** Makes the response to a conditional request whose client has the content already (RFC 9110, section 15.4.5). */
export function replyNotModified(headers: Record<string, string>): Response {
  return new Response(null, {
    status: 304,
    headers: { "Docker-Distribution-API-Version": "registry/2.0", ...headers },
  });
}

/** Makes the response to a request that is refused. */
export function refuse(status: number, code: ErrorCode, options: RefusalOptions): Response {
  return refuseAll(status, [{ code, ...options }]);
}

/** Makes the response to a request that is refused for several reasons. */
export function refuseAll(status: number, errors: readonly (RefusalOptions & { code: ErrorCode })[]): Response {
  const body = jsonBytes({ errors: errors.map(({ code, message, detail }) => ({ code, message, detail })) });
  const headers = Object.assign({}, ...errors.map((error) => error.headers ?? {}));
  return replyBytes(body, { status, type: "application/json", size: body.length, headers });
}

/** Makes the response to a malformed digest. */
export function digestInvalid(): Response {
  return refuse(400, "DIGEST_INVALID", {
    message: "the digest is not sha256: with 64 or sha512: with 128 lower-case hex digits",
  });
}
